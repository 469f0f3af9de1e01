package lab

import (
	"context"
	"fmt"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/crosslan/crosslan/images"
)

// provideImages sees that every image is in the engine, and returns what each
// name stands for. Ours is built here and never pulled, and is used by its ID:
// another checkout may give the name to an image of its own at any time.
func (e engine) provideImages(ctx context.Context, t *Topology, progress func(string)) (map[string]string, error) {
	refs := make(map[string]string)
	for _, n := range t.Nodes {
		if refs[n.Image] != "" {
			continue
		}
		refs[n.Image] = n.Image
		if n.Image == images.Name {
			image, err := images.Ensure(ctx, e.Client, images.Progress(progress))
			if err != nil {
				return nil, err
			}
			refs[n.Image] = image.ID
			continue
		}
		if err := e.provideImage(ctx, n, progress); err != nil {
			return nil, fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	return refs, nil
}

// provideImage sees that a user's own image is in the engine, under the rules
// that Compose has for pull_policy.
func (e engine) provideImage(ctx context.Context, n NodeSpec, progress func(string)) error {
	policy := n.service.PullPolicy
	if policy != types.PullPolicyAlways {
		_, err := e.ImageInspect(ctx, n.Image)
		if err == nil {
			return nil
		}
		if !errdefs.IsNotFound(err) {
			return fmt.Errorf("look for image %s: %w", n.Image, err)
		}
	}
	if n.service.Build != nil {
		return fmt.Errorf("image %s is not in the engine: build it first (docker compose build)", n.Image)
	}
	if policy == types.PullPolicyNever || policy == types.PullPolicyBuild {
		return fmt.Errorf("image %s is not in the engine and pull_policy: %s forbids a pull: load or build it first", n.Image, policy)
	}
	progress("pulling " + n.Image)
	pull, err := e.ImagePull(ctx, n.Image, client.ImagePullOptions{})
	if err == nil {
		defer pull.Close()
		err = pull.Wait(ctx)
	}
	if err != nil {
		return fmt.Errorf("pull image %s: %s", n.Image, oneLine(err))
	}
	return nil
}
