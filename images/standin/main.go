// Command standin makes an image that stands in for the official golang image,
// from the local Go toolchain, where no registry is reachable. It does nothing
// if the engine has the image.
//
//	go run ./images/standin [NAME]
//
// NAME is golang:1.26 by default, which images/Dockerfile starts from.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/moby/moby/client"

	"github.com/crosslan/crosslan/images/internal/standin"
)

func main() {
	name := "golang:1.26"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, name); err != nil {
		fmt.Fprintf(os.Stderr, "standin: %v\n", err)
		os.Exit(1) //nolint:gocritic // stop has nothing left to do
	}
}

func run(ctx context.Context, name string) error {
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer engine.Close() //nolint:errcheck // the process ends
	version, made, err := standin.Import(ctx, engine, name)
	if err != nil {
		return err
	}
	if made {
		fmt.Printf("%s: made from the local toolchain, %s\n", name, version)
	} else {
		fmt.Printf("%s: the engine has it, left as it is\n", name)
	}
	return nil
}
