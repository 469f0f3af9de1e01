package service

import (
	"context"
	"os"
	"os/signal"
	"testing"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/shell"
)

// asServer is the first argument by which a benchmark starts this program as the
// program server.
const asServer = "server"

// TestMain lets the shell service start this program as the program server, and
// benchmarks as well.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == shell.Name {
		os.Exit(serverProgram(os.Args[1:]))
	}
	if len(os.Args) > 1 && os.Args[1] == asServer {
		os.Exit(serverProgram(os.Args[2:]))
	}
	if len(os.Args) > 2 && os.Args[1] == asSlow {
		os.Exit(slowProgram(os.Args[2]))
	}
	os.Exit(m.Run())
}

func serverProgram(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return node.Run(ctx, Command(&All), args, os.Stdout, os.Stderr)
}
