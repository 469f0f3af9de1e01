package images

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/jsonmessage"
)

// inspect asks the engine for the image by its name; found is false if the
// engine has none.
func (b *builder) inspect(ctx context.Context) (_ Image, found bool, err error) {
	result, err := b.engine.ImageInspect(ctx, b.name)
	if errdefs.IsNotFound(err) {
		return Image{}, false, nil
	}
	if err != nil {
		return Image{}, false, fmt.Errorf("ask the engine for it: %w", err)
	}
	image := Image{Name: b.name, ID: result.ID, architecture: result.Architecture}
	if result.Config != nil {
		image.Source = result.Config.Labels[SourceLabel]
	}
	return image, true, nil
}

// architecture returns what the engine's containers run on, as GOARCH: the
// engine itself is a Go program and says what it was compiled for.
func (b *builder) architecture(ctx context.Context) (string, error) {
	server, err := b.engine.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return "", fmt.Errorf("ask the engine for its architecture: %w", err)
	}
	if server.Os != "linux" {
		return "", fmt.Errorf("the engine runs %s containers, the nodes need linux", server.Os)
	}
	return server.Arch, nil
}

// load gives the engine an image in the format of "docker save".
func (b *builder) load(ctx context.Context, archive io.Reader) error {
	response, err := b.engine.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err != nil {
		return fmt.Errorf("load it into the engine: %w", err)
	}
	// An error may come after the status 200, as one of the messages.
	err = errors.Join(jsonmessage.DisplayStream(response, io.Discard), response.Close())
	if err != nil {
		return fmt.Errorf("load it into the engine: %w", err)
	}
	return nil
}

// sweep removes the images that Ensure once made and that have no name any
// more. Those that containers still used when they were replaced are among them.
func (b *builder) sweep(ctx context.Context) error {
	filters := make(client.Filters).Add("dangling", "true").Add("label", SourceLabel)
	list, err := b.engine.ImageList(ctx, client.ImageListOptions{Filters: filters})
	if err != nil {
		return fmt.Errorf("look for replaced images: %w", err)
	}
	for _, image := range list.Items {
		if err := b.removeUntagged(ctx, image.ID); err != nil {
			return err
		}
	}
	return nil
}

// removeUntagged removes an image unless it has a name, is in use, or is gone.
func (b *builder) removeUntagged(ctx context.Context, id string) error {
	image, err := b.engine.ImageInspect(ctx, id)
	if errdefs.IsNotFound(err) || err == nil && len(image.RepoTags) > 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the replaced image: %w", err)
	}
	// Without force, which would take the image away from stopped containers.
	_, err = b.engine.ImageRemove(ctx, id, client.ImageRemoveOptions{PruneChildren: true})
	if err == nil || errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
		return nil
	}
	return fmt.Errorf("remove the replaced image: %w", err)
}
