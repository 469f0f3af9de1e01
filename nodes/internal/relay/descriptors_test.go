package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// fewDescriptorsRole is a relay to the target args[0] that may have few descriptors.
func fewDescriptorsRole(args []string) error {
	few := unix.Rlimit{Cur: 24, Max: 24}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
		return err
	}
	return serveUntilEOF(DefaultOptions().MaxConnections*10, Forward{Protocol: TCP, Listen: loopback, Target: args[0]})
}

// serveUntilEOF is a relay that ends when its standard input does. It first prints
// the address that it listens on.
func serveUntilEOF(maxConnections int, f Forward) error {
	options := DefaultOptions()
	options.MaxConnections = maxConnections
	r, err := Listen(context.Background(), []Forward{f}, options, node.NewEvents(os.Stdout, node.JSON))
	if err != nil {
		return err
	}
	fmt.Printf("%q\n", r.Addrs()[0])
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return r.Serve(ctx)
}

func TestRelayOutlivesALackOfDescriptors(t *testing.T) {
	cmd := roleCommand(t, "few-descriptors", echo(t).Addr().String())
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() { in.Close(); assert.NoError(t, cmd.Wait()) }()
	lines := json.NewDecoder(out)
	var address string
	require.NoError(t, lines.Decode(&address))
	dial := func() net.Conn {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		return c
	}
	next := func(name string) event {
		for {
			var e event
			require.NoError(t, lines.Decode(&e))
			if e["event"] == name {
				return e
			}
		}
	}

	var clients []net.Conn
	for range 24 {
		clients = append(clients, dial())
	}
	limited := next("limited")
	assert.Contains(t, limited["reason"], "EMFILE (24) too many open files")
	for _, c := range clients {
		c.Close()
	}
	// As soon as the relay has dealt with those, another is carried as before.
	require.Eventually(t, func() bool {
		c := dial()
		defer c.Close()
		_, _ = io.WriteString(c, "?")
		n, _ := c.Read(make([]byte, 1))
		return n == 1
	}, patience, time.Millisecond)
}

func TestDefaultsLeaveRoomForAThousandConnections(t *testing.T) {
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	require.Equal(t, limit.Max, limit.Cur, "package os has raised the soft limit")
	if limit.Cur >= 4096 {
		assert.GreaterOrEqual(t, DefaultOptions().MaxConnections, 1000)
	}
	assert.LessOrEqual(t, uint64(2*DefaultOptions().MaxConnections), limit.Cur)
}
