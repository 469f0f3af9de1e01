package relaybench

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// roleVariable tells this test binary, started again by a benchmark, to be one of its
// programs. Such a program ends when its standard input does.
const roleVariable = "CROSSLAN_RELAYBENCH_ROLE"

var roles = map[string]func(args []string) error{
	"server":  serverRole,
	"source":  sourceRole,
	"rate":    rateRole,
	"latency": latencyRole,
	"idle":    idleRole,
	"splice":  spliceRole,
	"io.Copy": ioCopyRole,
	"flood":   floodRole,
}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	go func() {
		if role != "server" {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}
	}()
	if err := roles[role](os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		os.Exit(1)
	}
}

// roleCommand returns the command that runs a role.
func roleCommand(b *testing.B, role string, args ...string) *exec.Cmd {
	b.Helper()
	exe, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	if role == "flood" {
		// A sender on both cores would leave none to the relay.
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	}
	cmd.Stderr = os.Stderr
	return cmd
}

// descriptors is how many a process of the benchmark may have.
func descriptors(b *testing.B) int {
	b.Helper()
	var limit syscall.Rlimit
	require.NoError(b, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	return int(limit.Cur)
}
