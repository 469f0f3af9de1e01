package node_test

import (
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/client"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/service"
)

// programEnv names the program that this test binary is to be, instead of a test.
const programEnv = "CROSSLAN_TEST_PROGRAM"

func TestMain(m *testing.M) {
	switch os.Getenv(programEnv) {
	case "client":
		node.Main(client.Command())
	case "server":
		node.Main(service.Command(&service.All))
	case "deaf":
		node.Main(&cobra.Command{Use: "deaf", RunE: func(cmd *cobra.Command, _ []string) error {
			node.From(cmd.Context()).Ready("deaf")
			select {}
		}})
	}
	os.Exit(m.Run())
}

// process is a program that runs.
type process struct {
	*exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr *nodetest.Log
}

func start(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], args...), stdout: &nodetest.Log{}, stderr: &nodetest.Log{}}
	// The race detector would have every process sleep a second before it exits.
	p.Env = append(os.Environ(), programEnv+"="+program, "GORACE=atexit_sleep_ms=0")
	p.Stdout, p.Stderr = p.stdout, p.stderr
	var err error
	p.stdin, err = p.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, p.Start())
	t.Cleanup(func() {
		if p.ProcessState == nil {
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	})
	return p
}

// stop sends sig and returns the exit status; the contract is a second.
func (p *process) stop(t *testing.T, sig os.Signal) int {
	t.Helper()
	begin := time.Now()
	require.NoError(t, p.Process.Signal(sig))
	_ = p.Wait() // the status is looked at
	assert.Less(t, time.Since(begin), time.Second)
	return p.ProcessState.ExitCode()
}

func TestSignalsEndAProgramWithinASecond(t *testing.T) {
	server := start(t, "server", "echo=127.0.0.1:0", "upper=127.0.0.1:0", "reply=127.0.0.1:0")
	server.stdout.Wait(t, "ready ")
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		idle := start(t, "client", "idle")
		idle.stdout.Wait(t, "ready      idle\n")
		assert.Equal(t, 0, idle.stop(t, sig))
		assert.Empty(t, idle.stderr.String())
	}
	story := start(t, "client", "story", "# A word.")
	story.stdout.Wait(t, "told ")
	assert.Equal(t, 0, story.stop(t, syscall.SIGTERM))
	assert.Equal(t, 0, server.stop(t, syscall.SIGTERM))
	assert.Empty(t, server.stderr.String())
}

func TestSignalEndsAServerWithOpenConnections(t *testing.T) {
	server := start(t, "server", "echo=127.0.0.91:50981")
	server.stdout.Wait(t, "ready ")
	talker := start(t, "client", "echo", "127.0.0.91:50981")
	talker.stdout.Wait(t, "connected ")
	server.stdout.Wait(t, "accepted ")
	assert.Equal(t, 0, server.stop(t, syscall.SIGTERM))
	server.stdout.Wait(t, " by the end of the server\n")

	assert.Equal(t, 1, talker.stop(t, syscall.SIGTERM), "it waits for standard input")
	assert.Equal(t, "client: terminated signal received\n", talker.stderr.String())
}

func TestADeafProgramIsEnded(t *testing.T) {
	deaf := start(t, "deaf")
	deaf.stdout.Wait(t, "ready ")
	assert.Equal(t, 1, deaf.stop(t, syscall.SIGTERM))
	assert.Equal(t, "deaf: had not stopped 900ms after the signal\n", deaf.stderr.String())
}

func TestAServerOutlivesTheReaderOfItsLog(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	server := exec.Command(os.Args[0], "echo=127.0.0.95:50982")
	server.Env = append(os.Environ(), programEnv+"=server")
	server.Stdout = w
	require.NoError(t, server.Start())
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	require.NoError(t, w.Close())
	_, err = r.Read(make([]byte, 100)) // ready
	require.NoError(t, err)
	require.NoError(t, r.Close())
	for range 2 { // each connection is several events
		var stdout, stderr nodetest.Log
		status := node.Run(t.Context(), client.Command(), []string{"echo", "127.0.0.95:50982", "hi"}, &stdout, &stderr)
		require.Equal(t, 0, status, stderr.String())
	}
}
