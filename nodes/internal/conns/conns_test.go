package conns

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// limit ends what hangs in a test.
const limit = 10 * time.Second

// outcome is what a run of client did.
type outcome struct {
	status         int
	stdout, stderr string
}

// call runs client connections on a host. What changes from run to run is a star.
func call(t *testing.T, n *nstest.Namespace, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := &cobra.Command{Use: "client"}
	cmd.AddCommand(Command())
	var stdout, stderr nodetest.Log
	status := 0
	require.NoError(t, n.Do(func() error {
		status = node.Run(ctx, cmd, append([]string{"connections"}, args...), &stdout, &stderr)
		return nil
	}))
	require.NoError(t, ctx.Err(), "it hung")
	text := regexp.MustCompile(`[0-9.]+ s\b`).ReplaceAllString(stdout.String(), "* s")
	return outcome{status, text, stderr.String()}
}

// has waits for a socket in a state and asserts its line.
func has(t *testing.T, n *nstest.Namespace, state, want string) {
	t.Helper()
	got := call(t, n, "--state", state, "--wait", "5s")
	assert.Equal(t, outcome{0, want, ""}, got)
}

// lan makes two hosts on one cable: 10.36.1.10 and 10.36.1.11.
func lan(t *testing.T) (a, b *nstest.Namespace) {
	t.Helper()
	a, b = nstest.New(t), nstest.New(t)
	nstest.Link(t, a, "lan", "10.36.1.10/24", b, "lan", "10.36.1.11/24")
	return a, b
}

// listener makes a socket on port 50007 that listens with a backlog.
func listener(t *testing.T, n *nstest.Namespace, backlog int) int {
	t.Helper()
	fd := -1
	require.NoError(t, n.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Port: 50007}), unix.Listen(fd, backlog))
	}))
	t.Cleanup(func() { assert.NoError(t, unix.Close(fd)) })
	return fd
}

// connect connects from a host to port 50007 of another.
func connect(t *testing.T, n *nstest.Namespace, from string) *net.TCPConn {
	t.Helper()
	var c net.Conn
	require.NoError(t, n.Do(func() (err error) {
		local, err := net.ResolveTCPAddr("tcp4", from)
		if err != nil {
			return err
		}
		d := net.Dialer{LocalAddr: local, Timeout: limit, KeepAlive: -1}
		c, err = d.Dial("tcp4", "10.36.1.11:50007")
		return err
	}))
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// accept takes the next connection.
func accept(t *testing.T, fd int) int {
	t.Helper()
	c, _, err := unix.Accept(fd)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(c) })
	return c
}

func TestTheBacklog(t *testing.T) {
	a, b := lan(t)
	fd := listener(t, b, 5)
	has(t, b, "LISTEN", "socket     LISTEN      0.0.0.0:50007 backlog 5, waiting for accept: 0\n")
	for _, port := range []string{"40001", "40002", "40003", "40004", "40005", "40006"} {
		connect(t, a, "10.36.1.10:"+port)
	}
	has(t, b, "LISTEN", "socket     LISTEN      0.0.0.0:50007 backlog 5, waiting for accept: 6\n")
	accept(t, fd)
	has(t, b, "LISTEN", "socket     LISTEN      0.0.0.0:50007 backlog 5, waiting for accept: 5\n")
}

func TestQueues(t *testing.T) {
	a, b := lan(t)
	fd := listener(t, b, 5)
	c := connect(t, a, "10.36.1.10:40000")
	server := accept(t, fd)
	_, err := io.WriteString(c, "Hello")
	require.NoError(t, err)
	_, err = unix.Poll([]unix.PollFd{{Fd: int32(server), Events: unix.POLLIN}}, int(limit.Milliseconds()))
	require.NoError(t, err)
	got := call(t, b, "--port", "40000")
	assert.Equal(t, outcome{0, "socket     ESTABLISHED 10.36.1.11:50007 -> 10.36.1.10:40000 unread 5 bytes, unacknowledged 0 bytes\n", ""}, got)

	// The other host does not know its address any more: what is written is not
	// acknowledged, and sent again.
	l, err := b.LinkByName("lan")
	require.NoError(t, err)
	gone, err := netlink.ParseAddr("10.36.1.11/24")
	require.NoError(t, err)
	require.NoError(t, b.AddrDel(l, gone))
	_, err = io.WriteString(c, "again")
	require.NoError(t, err)
	got = call(t, a)
	assert.Regexp(t, `^socket     ESTABLISHED 10\.36\.1\.10:40000 -> 10\.36\.1\.11:50007 unread 0 bytes, unacknowledged 5 bytes, sends again in \* s \(so far: \d\)\n$`, got.stdout)
}

func TestTheEndOfAConnection(t *testing.T) {
	a, b := lan(t)
	fd := listener(t, b, 5)
	c := connect(t, a, "10.36.1.10:40000")
	server := accept(t, fd)

	require.NoError(t, c.CloseWrite())
	// The FIN that the server has not read counts as one.
	has(t, b, "close-wait", "socket     CLOSE_WAIT  10.36.1.11:50007 -> 10.36.1.10:40000 unread 1 byte, unacknowledged 0 bytes\n")
	has(t, a, "FIN_WAIT2", "socket     FIN_WAIT2   10.36.1.10:40000 -> 10.36.1.11:50007 unread 0 bytes, unacknowledged 0 bytes\n")

	require.NoError(t, unix.Shutdown(server, unix.SHUT_WR))
	require.NoError(t, c.Close())
	has(t, a, "TIME_WAIT", "socket     TIME_WAIT   10.36.1.10:40000 -> 10.36.1.11:50007 gone in * s\n")
	assert.Equal(t, outcome{0, "", ""}, call(t, b, "--port", "40000"), "who closes last has nothing left")
}

func TestIPv6AndJSON(t *testing.T) {
	n := nstest.New(t)
	var l net.Listener
	require.NoError(t, n.Do(func() (err error) {
		var lc net.ListenConfig
		lc.SetMultipathTCP(false)
		l, err = lc.Listen(t.Context(), "tcp", "[::]:50007")
		return err
	}))
	defer l.Close()
	require.NoError(t, n.Do(func() error {
		c, err := net.Dial("tcp4", "127.0.0.1:50007")
		if err != nil {
			return err
		}
		t.Cleanup(func() { c.Close() })
		return nil
	}))
	got := call(t, n, "--log", "json", "--port", "50007")
	require.Equal(t, 0, got.status, got.stderr)
	var events []map[string]any
	for line := range strings.Lines(got.stdout) {
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		events = append(events, e)
	}
	require.Len(t, events, 3)
	assert.Equal(t, "LISTEN", events[0]["state"])
	assert.Equal(t, "[::]:50007", events[0]["local"])
	assert.EqualValues(t, 1, events[0]["waiting"])
	// A connection of IPv4 to a socket of IPv6 is shown as what it is.
	assert.Contains(t, []any{events[1]["local"], events[2]["local"]}, "127.0.0.1:50007")
}

func TestNothingToShow(t *testing.T) {
	n := nstest.New(t)
	assert.Equal(t, outcome{0, "", ""}, call(t, n))
	assert.Equal(t, outcome{1, "", "client: connections: no socket in TIME_WAIT or CLOSE_WAIT, port 7 within 0.05 s (--wait)\n"},
		call(t, n, "--state", "TIME_WAIT", "--state", "CLOSE_WAIT", "--port", "7", "--wait", "50ms"))
}

func TestWrongUse(t *testing.T) {
	n := nstest.New(t)
	for args, want := range map[string]string{
		"--state open": `invalid argument "open" for "--state" flag: no such state; choose from ESTABLISHED, SYN_SENT, SYN_RECV, ` +
			`FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, LISTEN, CLOSING`,
		"--wait -1s": "--wait -1s is negative; 0 means not to wait",
	} {
		assert.Equal(t, outcome{2, "", "client: " + want + " (see: client connections --help)\n"}, call(t, n, strings.Fields(args)...))
	}
}

func TestStateNames(t *testing.T) {
	assert.Equal(t, "state 0", state(0).String())
	assert.Equal(t, "state 99", state(99).String())
	assert.Equal(t, "ESTABLISHED", established.String())
}
