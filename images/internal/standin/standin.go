// Package standin makes an image that stands in for the official golang image
// where no registry is reachable: the local Go toolchain, CA certificates and an
// empty /tmp. It is for tests and CI; the product never makes it.
package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/jsonmessage"
)

// Label marks the images that Import made, and the stages built from them; its
// value is the stand-in's name.
const Label = "io.crosslan.standin"

// toolchain is the local Go toolchain, as "go env" describes it.
type toolchain struct {
	GOROOT, GOVERSION, GOOS, GOARCH string
}

// Import makes the image name from the local Go toolchain, unless the engine
// has an image of that name. It returns the version of the toolchain and
// whether it made the image.
func Import(ctx context.Context, engine client.APIClient, name string) (version string, made bool, err error) {
	local, err := localToolchain(ctx, engine)
	if err != nil {
		return "", false, err
	}
	switch _, err := engine.ImageInspect(ctx, name); {
	case err == nil:
		return local.GOVERSION, false, nil
	case !errdefs.IsNotFound(err):
		return "", false, fmt.Errorf("look for %s: %w", name, err)
	}
	return local.GOVERSION, true, importToolchain(ctx, engine, name, local)
}

// localToolchain describes the toolchain on PATH, which must run in the
// engine's containers.
func localToolchain(ctx context.Context, engine client.APIClient) (toolchain, error) {
	server, err := engine.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return toolchain{}, fmt.Errorf("ask the engine for its architecture: %w", err)
	}
	output, err := exec.CommandContext(ctx, "go", "env", "-json", "GOROOT", "GOVERSION", "GOOS", "GOARCH").Output()
	if err != nil {
		return toolchain{}, fmt.Errorf("go env: %w", err)
	}
	var local toolchain
	if err := json.Unmarshal(output, &local); err != nil {
		return toolchain{}, fmt.Errorf("go env: %w", err)
	}
	if local.GOOS != server.Os || local.GOARCH != server.Arch {
		return toolchain{}, fmt.Errorf("the local toolchain is for %s/%s, the engine's containers are %s/%s",
			local.GOOS, local.GOARCH, server.Os, server.Arch)
	}
	return local, nil
}

// importToolchain streams the image's one layer to the engine as it is read.
func importToolchain(ctx context.Context, engine client.APIClient, name string, local toolchain) error {
	reader, writer := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := pack(writer, local.GOROOT)
		packed <- writer.CloseWithError(err)
	}()
	err := send(ctx, engine, reader, name)
	// Ends pack if the engine did not read to the end.
	err = errors.Join(err, reader.CloseWithError(io.ErrClosedPipe), <-packed)
	if err != nil {
		return fmt.Errorf("import the Go toolchain as %s: %w", name, err)
	}
	return nil
}

func send(ctx context.Context, engine client.APIClient, layer io.Reader, name string) error {
	response, err := engine.ImageImport(ctx, client.ImageImportSource{Source: layer, SourceName: "-"}, name,
		client.ImageImportOptions{
			// What the official image sets, as far as a build needs it.
			Changes: []string{
				"ENV PATH=/go/bin:/usr/local/go/bin",
				"ENV GOPATH=/go",
				"ENV GOTOOLCHAIN=local",
				"LABEL " + Label + "=" + name,
			},
		})
	if err != nil {
		return err
	}
	return errors.Join(jsonmessage.DisplayStream(response, io.Discard), response.Close())
}
