package relay

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func TestCommandRefuses(t *testing.T) {
	taken := nodetest.Listen(t).Addr().String()
	for args, want := range map[string]struct {
		status int
		line   string
	}{
		"":                                   {2, "relay: which command? Choose one of: forward, tcp, udp (see: relay --help)"},
		"tcp":                                {2, "relay: requires at least 1 arg(s), only received 0 (see: relay tcp --help)"},
		"tcp :7000":                          {2, "relay: :7000: want LISTEN=TARGET, such as 10.4.1.20:7000=10.4.2.10:50007 (see: relay tcp --help)"},
		"udp :x=host-b:1":                    {2, `relay: :x=host-b:1: listen address ":x": port "x": want a number from 1 to 65535 (see: relay udp --help)`},
		"forward :7000=host-b:1":             {2, "relay: :7000=host-b:1: want tcp:LISTEN=TARGET or udp:LISTEN=TARGET (see: relay forward --help)"},
		"tcp :7000=host-b:1 :7000=host-c:1":  {2, "relay: tcp :7000 is to be listened on twice (see: relay tcp --help)"},
		"tcp :7000=host-b:1 --idle -1s":      {2, "relay: --idle -1s: want a duration, or 0 for no limit (see: relay tcp --help)"},
		"udp :7000=host-b:1 --lifetime 0s":   {2, "relay: --lifetime 0s: want a duration above 0 (see: relay udp --help)"},
		"tcp :1=host-b:1 --max-connections=": {2, `relay: invalid argument "" for "--max-connections" flag: strconv.ParseInt: parsing "": invalid syntax (see: relay tcp --help)`},
		"tcp " + taken + "=10.4.2.10:50007":  {1, "relay: bind: EADDRINUSE (98) address already in use: tcp " + taken},
		"tcp 192.0.2.1:7000=10.4.2.10:50007": {1, "relay: bind: EADDRNOTAVAIL (99) cannot assign requested address: tcp 192.0.2.1:7000"},
	} {
		var stdout, stderr bytes.Buffer
		status := node.Run(context.Background(), Command(), strings.Fields(args), &stdout, &stderr)
		assert.Equal(t, want.status, status, args)
		assert.Equal(t, want.line+"\n", stderr.String(), args)
		assert.Empty(t, stdout.String(), args)
	}
}

func TestListenIsAllOrNothing(t *testing.T) {
	l := nodetest.Listen(t)
	free := l.Addr().String()
	l.Close()
	taken := nodetest.Listen(t).Addr().String()
	first, err := ParseForward(TCP, free+"=192.0.2.1:1")
	require.NoError(t, err)
	second, err := ParseForward(TCP, taken+"=192.0.2.1:1")
	require.NoError(t, err)
	_, err = Listen(context.Background(), []Forward{first, second}, DefaultOptions(), node.From(context.Background()))
	require.ErrorContains(t, err, taken)
	again, err := net.Listen("tcp", free)
	require.NoError(t, err, "the first listener is closed")
	again.Close()
}

func TestCommandTellsItsStory(t *testing.T) {
	free := nodetest.Listen(t)
	address := free.Addr().String()
	free.Close()
	target := echo(t).Addr().String()
	out, stdout := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	status := make(chan int, 1)
	go func() {
		args := []string{"forward", "tcp:" + address + "=" + target, "udp:" + address + "=" + target}
		status <- node.Run(ctx, Command(), args, stdout, io.Discard)
		stdout.Close()
	}()
	lines := bufio.NewScanner(out)
	line := func() string {
		require.True(t, lines.Scan())
		return lines.Text()
	}
	assert.Equal(t, "ready      relay tcp "+address+" to "+target+", udp "+address+" to "+target, line())
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	near := "tcp " + c.LocalAddr().String() + " -> " + address
	assert.Equal(t, "accepted   "+near, line())
	assert.Regexp(t, "^connected  "+near+`, tcp 127\.0\.0\.1:\d+ -> `+target+"$", line())
	nodetest.Send(t, c, "Hello, world")
	nodetest.Receive(t, c, "Hello, world")
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	assert.Regexp(t, "^closed     "+near+` after \d+\.\d\d s: 12 bytes forth, 12 bytes back, FIN from client, then from target$`, line())
	cancel()
	assert.False(t, lines.Scan(), "that is all: %s", lines.Text())
	assert.Zero(t, <-status)
}
