package relay

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// roleVariable tells this test binary, started again by a test, to be a program of
// that test. Such a program ends when its standard input does.
const roleVariable = "CROSSLAN_RELAY_TEST_ROLE"

var roles = map[string]func(args []string) error{
	"few-descriptors": fewDescriptorsRole,
	"relay-to":        relayToRole,
}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		os.Exit(1)
	}
}

// roleCommand returns the command that runs a role.
func roleCommand(t testing.TB, role string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}
