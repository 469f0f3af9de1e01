package images

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/moby/moby/client"
)

// builder makes and keeps one image of one module's nodes. What Ensure takes
// from its surroundings is a field, so that tests can build other modules
// under other names.
type builder struct {
	engine    client.APIClient
	name      string                                // reference of the image
	directory func(context.Context) (string, error) // where the module's sources are
	report    func(line string)
}

func newBuilder(engine client.APIClient, name string) *builder {
	return &builder{
		engine:    engine,
		name:      name,
		directory: moduleDirectory,
		report:    func(string) {},
	}
}

// ensure returns the image if it is up to date and builds it if not.
func (b *builder) ensure(ctx context.Context) (Image, error) {
	present, found, err := b.inspect(ctx)
	if err != nil {
		return Image{}, err
	}
	if err := lookGo(); err != nil {
		if !found {
			return Image{}, err
		}
		b.report("no Go toolchain on PATH: using the node image as it is")
		return present, nil
	}
	dir, err := b.directory(ctx)
	if err != nil {
		return Image{}, err
	}
	version, err := goVersion(ctx, dir)
	if err != nil {
		return Image{}, err
	}
	if found {
		fresh, err := isFresh(present, dir, version)
		if err != nil || fresh {
			return present, err
		}
	}
	return b.buildLocked(ctx, dir, version)
}

// isFresh tells whether the image was made from the sources in dir by that Go
// version. The engine is not asked for its architecture: an image that Ensure
// loaded into it has it.
func isFresh(image Image, dir, version string) (bool, error) {
	if image.Source == "" {
		return false, nil
	}
	source, err := sourceDigest(dir, version, image.architecture)
	return source == image.Source, err
}

// buildLocked builds the image, unless another process did so while this one
// waited for its turn.
func (b *builder) buildLocked(ctx context.Context, dir, version string) (_ Image, err error) {
	unlock, err := b.lock(ctx)
	if err != nil {
		return Image{}, err
	}
	defer func() { err = errors.Join(err, unlock()) }()

	present, found, err := b.inspect(ctx)
	if err != nil {
		return Image{}, err
	}
	if found {
		fresh, err := isFresh(present, dir, version)
		if err != nil || fresh {
			return present, err
		}
	}
	image, err := b.build(ctx, dir, version)
	if err != nil {
		return Image{}, err
	}
	// The replaced image may be one of the Dockerfile's, which has no label
	// by which a later call would find it.
	if found && present.ID != image.ID {
		if err := b.removeUntagged(ctx, present.ID); err != nil {
			return Image{}, err
		}
	}
	return image, b.sweep(ctx)
}

// build compiles the nodes in dir and loads them into the engine as an image.
func (b *builder) build(ctx context.Context, dir, version string) (Image, error) {
	arch, err := b.architecture(ctx)
	if err != nil {
		return Image{}, err
	}
	source, err := sourceDigest(dir, version, arch)
	if err != nil {
		return Image{}, err
	}
	out, err := os.MkdirTemp("", "crosslan-image-")
	if err != nil {
		return Image{}, fmt.Errorf("make a directory to compile in: %w", err)
	}
	defer os.RemoveAll(out) //nolint:errcheck // the system's to clean if it cannot be removed

	b.report(fmt.Sprintf("building the node image for linux/%s with %s (about 20 s the first time)", arch, version))
	programs, err := compile(ctx, dir, out, arch)
	if err != nil {
		return Image{}, err
	}
	layer, err := packLayer(programs)
	if err != nil {
		return Image{}, err
	}
	archive, err := imageArchive(b.name, layer, arch, source)
	if err != nil {
		return Image{}, err
	}
	if err := b.load(ctx, archive); err != nil {
		return Image{}, err
	}
	image, found, err := b.inspect(ctx)
	if err == nil && !found {
		err = errors.New("loaded, yet the engine does not have it: another process removed it, start again")
	}
	image.Built = true
	return image, err
}
