package punch_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/client"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// agent is a process in a host that runs one client after the other: to start a process
// for each would take longer than the punching.
type agent struct {
	in  *json.Encoder
	out *json.Decoder
}

// result is what came of a client.
type result struct {
	Status int
	Output string
}

// serveAgent is the process.
func serveAgent() error {
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	for {
		var args []string
		if err := in.Decode(&args); err != nil {
			return err
		}
		var log bytes.Buffer
		status := node.Run(context.Background(), client.Command(), args, &log, &log)
		if err := out.Encode(result{status, log.String()}); err != nil {
			return err
		}
	}
}

// agent starts an agent in a host, until the test ends.
func (l *lab) agent(t testing.TB, host int) *agent {
	t.Helper()
	cmd := self(t, "agent")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	l.homes[host].host.Start(t, cmd)
	return &agent{json.NewEncoder(in), json.NewDecoder(out)}
}

// self is a command of this test binary.
func self(t testing.TB, role string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), "CROSSLAN_PUNCH_TEST="+role)
	cmd.Stderr = io.Discard
	return cmd
}

// begin has a client punch run. end must follow.
func (a *agent) begin(t testing.TB, args ...string) {
	t.Helper()
	require.NoError(t, a.in.Encode(append([]string{"punch"}, args...)))
}

// end waits for it.
func (a *agent) end(t testing.TB) (r result) {
	t.Helper()
	require.NoError(t, a.out.Decode(&r))
	return r
}
