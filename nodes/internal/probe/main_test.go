package probe

import (
	"os"
	"testing"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// programEnv tells this program which program of the node image to be.
const programEnv = "CROSSLAN_TEST_PROGRAM"

// TestMain lets tests run the programs in namespaces as processes of their own: a
// goroutine cannot stay in one.
func TestMain(m *testing.M) {
	root := &cobra.Command{Use: os.Getenv(programEnv)}
	switch root.Use {
	case "client":
		root.AddCommand(Command())
	case "server":
		root.AddCommand(stunserver.Command())
	default:
		os.Exit(m.Run())
	}
	node.Main(root)
}
