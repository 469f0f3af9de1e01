package api

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// stopsWithin is the contract of the node image.
const stopsWithin = time.Second

// terminate sends SIGTERM, and asserts how the program ends.
func terminate(t *testing.T, p *program, status int) string {
	t.Helper()
	begin := time.Now()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	out, got := p.wait(t)
	assert.Less(t, time.Since(begin), stopsWithin)
	assert.Equal(t, status, got, "%s%s", out, &p.errors)
	return out
}

// TestServerThatNobodyCallsStops has servers wait in accept, recvfrom and poll.
func TestServerThatNobodyCallsStops(t *testing.T) {
	for _, topic := range []string{"tcp", "udp", "non-blocking"} {
		p := start(t, "server api "+topic+" 127.0.0.1:0")
		p.ready(t)
		out := terminate(t, p, 0)
		assert.Equal(t, p.begin.String(), out, "nothing is printed of a call that was broken off")
	}
}

// TestClientThatStaysStops has a client, and its server, wait in recv.
func TestClientThatStaysStops(t *testing.T) {
	s := start(t, "server api vanished 127.0.0.1:0")
	c := start(t, "client api vanished --how stay "+s.ready(t).String())
	c.ready(t)
	terminate(t, c, 0)
	out, status := s.wait(t)
	assert.Zero(t, status)
	assert.Regexp(t, `\nrecv\(4, 1024\) = 0 "" after `, out, "the kernel hangs up for a process that ends")
}

// fullQueue returns the address of a socket that takes no connection any more: a
// connect to it waits.
func fullQueue(t *testing.T) string {
	t.Helper()
	l, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(l) })
	require.NoError(t, unix.Bind(l, sockaddr(loopback)))
	require.NoError(t, unix.Listen(l, 0))
	c, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(c) })
	require.NoError(t, unix.Connect(c, sockaddr(localAddr(l))))
	return localAddr(l).String()
}

// TestClientStopsInConnect has clients wait for a connection, in connect and in
// poll.
func TestClientStopsInConnect(t *testing.T) {
	for _, line := range []string{"client api tcp ", "client api connect-errors --non-blocking ", "client api connect-errors --timeout 1m "} {
		p := start(t, line+fullQueue(t))
		p.line(t, "socket(")
		terminate(t, p, 1)
		assert.Contains(t, p.errors.String(), "terminated", line)
	}
}

// TestEveryWaitingCallIsBrokenOff has each call that can wait do so when the story
// ends.
func TestEveryWaitingCallIsBrokenOff(t *testing.T) {
	tests := map[string]func(s *story, client, server int){
		"recv": func(s *story, c, _ int) { s.hear(c, silent) },
		"recv waitall": func(s *story, c, _ int) {
			s.recv(c, 10, unix.MSG_WAITALL, silent)
		},
		"send":     func(s *story, c, _ int) { s.sendAll(c, string(make([]byte, 64<<20)), silent) },
		"poll":     func(s *story, c, _ int) { s.poll(c, unix.POLLIN, forever, silent) },
		"drain":    func(s *story, c, _ int) { s.drain(c) },
		"readline": func(s *story, c, _ int) { s.makeFile(c, silent).readline(silent) },
		"queued":   func(s *story, c, _ int) { s.queued(c, 1, silent) },
		"pause":    func(s *story, _, _ int) { s.pause(time.Hour, silent) },
		"settled": func(s *story, c, _ int) {
			s.settled(localAddr(c), remoteAddr(c), silent)
		},
		"accept": func(s *story, _, _ int) {
			l := s.stream(loopback, silent)
			s.bind(l, sockaddr(loopback), silent)
			s.listen(l, 5, silent)
			s.accept(l, silent)
		},
		"recvfrom": func(s *story, _, _ int) {
			d := s.datagrams(loopback, silent)
			s.bind(d, sockaddr(loopback), silent)
			s.recvFrom(d, 10, 0, silent)
		},
		"recvmsg": func(s *story, _, _ int) {
			d := s.datagrams(loopback, silent)
			s.bind(d, sockaddr(loopback), silent)
			s.recvMsg(d, 10, silent)
		},
		"unix recv": func(s *story, _, _ int) {
			d := s.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0, silent)
			s.bind(d, &unix.SockaddrUnix{}, silent)
			s.recvFrom(d, 10, 0, silent)
		},
	}
	for name, wait := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			s := &story{events: node.NewEvents(io.Discard, node.Text), limit: hang}
			err := s.tell(ctx, func(s *story, _ []netip.AddrPort) {
				c, a := connection(s)
				// Whether the call waits already makes no difference to its end.
				defer time.AfterFunc(50*time.Millisecond, func() { end(errEnough) }).Stop()
				wait(s, c, a)
			}, nil)
			assert.ErrorIs(t, err, errEnough)
		})
	}
}

var errEnough = errors.New("enough")

// connection makes the two ends of a connection.
func connection(s *story) (client, server int) {
	l := s.stream(loopback, silent)
	s.bind(l, sockaddr(loopback), silent)
	s.listen(l, 5, silent)
	client = s.stream(loopback, silent)
	s.connect(client, sockaddr(localAddr(l)), silent)
	server = s.accept(l, silent)
	return client, server
}

// TestLimit ends a topic whose other side says nothing.
func TestLimit(t *testing.T) {
	p := start(t, "client api tcp --limit 200ms "+fullQueue(t))
	out, status := p.wait(t)
	assert.Equal(t, 1, status)
	assert.NotContains(t, out, "connect(")
	assert.Regexp(t, `^client: connect\(3, 127\.0\.0\.1:\d+\): not done after 0\.2 s \(--limit\)\n$`, p.errors.String())
}
