package client

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/service"
)

// limit ends what hangs in a test.
const limit = 10 * time.Second

// serve runs the program server until the test ends, and returns its log.
func serve(t *testing.T, args ...string) *nodetest.Log {
	t.Helper()
	log := &nodetest.Log{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	var stderr bytes.Buffer
	go func() { done <- node.Run(ctx, service.Command(&service.All), args, log, &stderr) }()
	t.Cleanup(func() {
		cancel()
		assert.Equal(t, 0, <-done)
		assert.Empty(t, stderr.String())
	})
	log.Wait(t, "ready ")
	return log
}

// result is what a run of client did.
type result struct {
	status         int
	stdout, stderr string
}

// call runs client with the given arguments and nothing to read.
func call(t *testing.T, args ...string) result {
	t.Helper()
	return callWith(t, strings.NewReader(""), args...)
}

func callWith(t *testing.T, stdin io.Reader, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := Command()
	cmd.SetIn(stdin)
	var stdout, stderr bytes.Buffer
	status := node.Run(ctx, cmd, args, &stdout, &stderr)
	require.NoError(t, ctx.Err(), "client %q hung", args)
	return result{status, stdout.String(), stderr.String()}
}

// localOf returns the local address in client's own output.
func localOf(t *testing.T, stdout string) string {
	t.Helper()
	for line := range strings.Lines(stdout) {
		fields := strings.Fields(line)
		if len(fields) > 2 && fields[2] == "->" {
			return fields[1]
		}
	}
	require.Fail(t, "no local address", stdout)
	return ""
}

// foreign listens on loopback and treats each connection as it is told.
func foreign(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			handle(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// closedPort returns an address on loopback where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}
