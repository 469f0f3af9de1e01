package client

import (
	"context"
	"os"
	"testing"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/service"
	"github.com/crosslan/crosslan/nodes/internal/shell"
)

// TestMain lets the shell service start this program as the program server.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == shell.Name {
		os.Exit(node.Run(context.Background(), service.Command(&service.All), os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
