package punch_test

import (
	"io"
	"os"
	"testing"

	"github.com/crosslan/crosslan/nodes/internal/client"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// This test binary, started again by a test in a network namespace, is the program
// client, or runs one after the other.
func TestMain(m *testing.M) {
	switch os.Getenv("CROSSLAN_PUNCH_TEST") {
	case "client":
		node.Main(client.Command())
	case "agent":
		if err := serveAgent(); err != io.EOF {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}
