package punch_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// program is a client punch that runs in a host.
type program struct {
	cmd *exec.Cmd
	out nodetest.Log
}

// start starts client punch in a host of the lab.
func (l *lab) start(t testing.TB, host int, args ...string) *program {
	t.Helper()
	p := &program{cmd: self(t, "client", append([]string{"punch"}, args...)...)}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	l.homes[host].host.Start(t, p.cmd)
	return p
}

// end waits for the program, and returns its status.
func (p *program) end(t testing.TB) int {
	t.Helper()
	err := p.cmd.Wait()
	if err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *program) direct() bool { return strings.Contains(p.out.String(), "path       direct ") }
