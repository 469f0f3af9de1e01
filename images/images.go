// Package images provides the node image: the programs of nodes/ as static
// binaries in an image FROM scratch, compiled with the local Go toolchain and
// loaded into the engine, so that nothing is pulled from a registry.
//
// images/Dockerfile builds the same image, byte for byte the same programs, for
// "docker compose build"; what the two must have in common is in recipe.go.
package images

import (
	"context"
	"fmt"

	"github.com/moby/moby/client"
)

const (
	// Name is the reference under which the engine knows the node image.
	Name = "crosslan/node:dev"

	// SourceLabel is the image label that holds the digest of what the image
	// was made from: sources, build options, Go version and architecture.
	// An image made by the Dockerfile does not have it.
	SourceLabel = "io.crosslan.source"
)

// Image is a node image in an engine.
type Image struct {
	Name   string // reference, Name unless a test chose another
	ID     string // the engine's ID of the image, "sha256:…"
	Source string // value of SourceLabel, empty if the image has none
	Built  bool   // whether this call built it

	architecture string // as GOARCH
}

// Option changes how Ensure works.
type Option func(*builder)

// Progress has report called with one line, without a newline, before each
// step that may take seconds. It is not called when the image is up to date.
func Progress(report func(line string)) Option {
	return func(b *builder) { b.report = report }
}

// Ensure makes sure that the engine has the node image of the present sources
// and returns it. An image that is up to date is found in milliseconds; else the
// nodes are compiled for the engine's architecture and the image that the new
// one replaces is removed, unless a container uses it. Processes that want
// to build at the same time wait for each other, and one of them builds.
//
// Without a Go toolchain on PATH, Ensure is content with any image of that name.
func Ensure(ctx context.Context, engine client.APIClient, options ...Option) (Image, error) {
	b := newBuilder(engine, Name)
	for _, option := range options {
		option(b)
	}
	image, err := b.ensure(ctx)
	if err != nil {
		return Image{}, fmt.Errorf("node image %s: %w", b.name, err)
	}
	return image, nil
}
