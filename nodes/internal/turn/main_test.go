package turn

import (
	"os"
	"os/exec"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// roleVariable tells this test binary, started again by a test, to be a program.
const roleVariable = "CROSSLAN_TURN_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "relay":
		cmd := &cobra.Command{Use: "relay"}
		cmd.AddCommand(Command())
		node.Main(cmd)
	case "client":
		cmd := &cobra.Command{Use: "client"}
		cmd.AddCommand(ClientCommand())
		node.Main(cmd)
	}
	os.Exit(m.Run())
}

// program returns the command that runs one of our programs.
func program(tb testing.TB, role string, args ...string) *exec.Cmd {
	tb.Helper()
	exe, err := os.Executable()
	require.NoError(tb, err)
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}
