package service

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/observe"
)

func TestEventsOfAStream(t *testing.T) {
	server := run(t, Options{}, "echo=127.0.0.1:0")
	c := server.dial(t, "echo tcp")
	_, err := io.WriteString(c, "Hello, 世界\n")
	require.NoError(t, err)
	_, err = io.ReadFull(c, make([]byte, 14))
	require.NoError(t, err)
	seen, err := observe.Ask(c)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	server.log.Wait(t, "closed")
	me := c.LocalAddr().String()
	assert.Equal(t, me, seen.String())
	assert.Equal(t, fmt.Sprintf(""+
		"accepted   %[1]s -> %[2]s ttl 64\n"+
		"received   %[1]s 14 bytes \"Hello, 世界\\n\"\n"+
		"sent       %[1]s 14 bytes\n"+
		"observed   %[1]s (the client asked)\n"+
		"closed     %[1]s EOF\n", me, c.RemoteAddr()), server.log.String())
}

func TestEventsOfDatagrams(t *testing.T) {
	server := run(t, Options{}, "echo=127.0.0.1:0")
	c := server.dial(t, "echo udp")
	_, err := io.WriteString(c, "x")
	require.NoError(t, err)
	_, err = c.Read(make([]byte, 1))
	require.NoError(t, err)
	seen, err := observe.AskDatagram(c, time.Now().Add(limit))
	require.NoError(t, err)
	server.log.Wait(t, "observed")
	me := c.LocalAddr().String()
	assert.Equal(t, me, seen.String())
	assert.Equal(t, fmt.Sprintf(""+
		"datagram   %[1]s ttl 64 1 byte \"x\"\n"+
		"sent       %[1]s 1 byte\n"+
		"observed   %[1]s (the client asked)\n", me), server.log.String())
}

func TestAClientThatBreaksOffDoesNotEndTheServer(t *testing.T) {
	server := run(t, Options{}, "echo=127.0.0.1:0", "upper=127.0.0.1:0", "reply=127.0.0.1:0")
	for _, name := range []string{"echo tcp", "upper tcp", "reply tcp"} {
		c := server.dial(t, name)
		server.log.Wait(t, "accepted   "+c.LocalAddr().String())
		require.NoError(t, c.(*net.TCPConn).SetLinger(0)) // close sends RST
		require.NoError(t, c.Close())
		server.log.Wait(t, "closed     "+c.LocalAddr().String()+" RST\n")

		c = server.dial(t, name)
		_, err := io.WriteString(c, "still there?")
		require.NoError(t, err)
		_, err = c.Read(make([]byte, 100))
		require.NoError(t, err, name)
	}
}

func TestReplyEndsByTheService(t *testing.T) {
	server := run(t, Options{}, "reply=127.0.0.1:0")
	c := server.dial(t, "reply tcp")
	_, err := io.WriteString(c, "?")
	require.NoError(t, err)
	_, err = io.ReadAll(c) // the server ends its side first
	require.NoError(t, err)
	require.NoError(t, c.Close())
	server.log.Wait(t, "closed     "+c.LocalAddr().String()+" by the service\n")
}

func TestIdleLimit(t *testing.T) {
	server := run(t, Options{Idle: 50 * time.Millisecond}, "echo=127.0.0.1:0")
	c := server.dial(t, "echo tcp")
	_, err := c.Read(make([]byte, 1))
	assert.ErrorIs(t, err, io.EOF)
	server.log.Wait(t, "closed     "+c.LocalAddr().String()+" timeout: stood still for 50ms (--idle)\n")
}

func TestQuiet(t *testing.T) {
	server := run(t, Options{Quiet: true}, "echo=127.0.0.1:0")
	for _, name := range []string{"echo tcp", "echo udp"} {
		c := server.dial(t, name)
		_, err := io.WriteString(c, "x")
		require.NoError(t, err)
		_, err = c.Read(make([]byte, 1))
		require.NoError(t, err)
	}
	require.NoError(t, server.stop())
	assert.Empty(t, server.log.String())
}

func TestStopClosesEverythingAndWaits(t *testing.T) {
	server := run(t, Options{}, "echo=127.0.0.1:0", "reply=127.0.0.1:0")
	for _, name := range []string{"echo tcp", "reply tcp"} {
		c := server.dial(t, name)
		server.log.Wait(t, "accepted   "+c.LocalAddr().String())
	}
	begin := time.Now()
	require.NoError(t, server.stop())
	assert.Less(t, time.Since(begin), time.Second)
	assert.Equal(t, 2, strings.Count(server.log.String(), " by the end of the server\n"))
	for _, a := range server.Addrs() {
		fields := strings.Fields(a)
		if fields[1] == "tcp" {
			_, err := net.Dial("tcp", fields[2])
			assert.ErrorContains(t, err, "connection refused")
		}
	}
}

func TestRunSaysReadyOnceAllListen(t *testing.T) {
	log := &nodetest.Log{}
	ctx, cancel := context.WithCancel(node.With(context.Background(), node.NewEvents(log, node.Text)))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- Run(ctx, specs(t, "echo=127.0.0.92:50007", "upper=127.0.0.92:8081"), Options{}) }()
	log.Wait(t, "\n")
	assert.Equal(t, "ready      echo tcp 127.0.0.92:50007, udp 127.0.0.92:50007; upper tcp 127.0.0.92:8081\n", log.String())
	for _, a := range []string{"127.0.0.92:50007", "127.0.0.92:8081"} {
		c, err := net.Dial("tcp", a)
		require.NoError(t, err)
		c.Close()
	}
	cancel()
	require.NoError(t, <-done)
	assert.Equal(t, 1, strings.Count(log.String(), "ready "))
}

func TestATakenPortLeavesNothingListening(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.93:8081")
	require.NoError(t, err)
	defer taken.Close()
	_, err = Listen(context.Background(), specs(t, "echo=127.0.0.93:50007", "upper=127.0.0.93:8081"), Options{})
	require.EqualError(t, err, "bind: EADDRINUSE (98) address already in use: 127.0.0.93:8081 (is another server running? choose another: upper=:8082)")
	free, err := net.Listen("tcp", "127.0.0.93:50007")
	require.NoError(t, err)
	free.Close()
	freeUDP, err := net.ListenPacket("udp", "127.0.0.93:50007")
	require.NoError(t, err)
	freeUDP.Close()
}

func TestTakenUDPPort(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.94:65535")
	require.NoError(t, err)
	defer taken.Close()
	_, err = Listen(context.Background(), specs(t, "echo=127.0.0.94:65535"), Options{})
	require.EqualError(t, err, "bind: EADDRINUSE (98) address already in use: 127.0.0.94:65535 (is another server running? choose another: echo=:65534)")
}

func TestAddressThatNoInterfaceHas(t *testing.T) {
	_, err := Listen(context.Background(), specs(t, "echo=192.0.2.1:50007"), Options{})
	require.EqualError(t, err, "bind: EADDRNOTAVAIL (99) cannot assign requested address: 192.0.2.1:50007 (no interface of this machine has the address; for all of them: echo=:50007)")
}

func TestArguments(t *testing.T) {
	got := specs(t, "echo", "upper=:9081", "reply=127.0.0.1", "echo=[::1]:7")
	var listed []string
	for _, s := range got {
		listed = append(listed, s.Name+" "+s.Addr.String())
	}
	assert.Equal(t, []string{"echo 0.0.0.0:50007", "upper 0.0.0.0:9081", "reply 127.0.0.1:9999", "echo [::1]:7"}, listed)

	for args, want := range map[string]string{
		"":                `which service? Choose from: echo, reply, upper`,
		"ehco":            `"ehco": no such service; choose from: echo, reply, upper`,
		"=:80":            `"": no such service; choose from: echo, reply, upper`,
		"echo=":           `"echo=": no address after =; write echo=:50007`,
		"echo upper=:x":   `upper: ":x": port "x" is not a number from 0 to 65535`,
		"echo=:70000":     `echo: ":70000": port "70000" is not a number from 0 to 65535`,
		"echo=host:80":    `echo: "host:80": "host" is not an IP address`,
		"echo=10.0.0.300": `echo: "10.0.0.300" is not an address; write 10.1.1.10:4000, :4000, or [2001:db8::1]:4000`,
	} {
		_, err := threeServices().parse(strings.Fields(args), nil)
		assert.EqualError(t, err, want, args)
	}
}

// threeServices is a Registry that does not grow with the project.
func threeServices() *Registry {
	var r Registry
	for _, name := range []string{"upper", "echo", "reply"} {
		s, _ := All.Lookup(name)
		r.Add(s)
	}
	return &r
}

func TestCommand(t *testing.T) {
	for args, want := range map[string]string{
		"":                "server: which service? Choose from: echo, reply, upper (see: server --help)\n",
		"echo --idle -1s": "server: --idle -1s is negative; 0 means never (see: server --help)\n",
		"echo --port 5":   "server: unknown flag: --port (see: server --help)\n",
	} {
		var stdout, stderr strings.Builder
		status := node.Run(context.Background(), Command(threeServices()), strings.Fields(args), &stdout, &stderr)
		assert.Equal(t, 2, status, args)
		assert.Empty(t, stdout.String(), args)
		assert.Equal(t, want, stderr.String(), args)
	}
}

func TestRegistryRefusesATakenName(t *testing.T) {
	var r Registry
	s := Service{Name: "x", New: func(*pflag.FlagSet) Handlers { return Handlers{} }}
	r.Add(s)
	assert.Panics(t, func() { r.Add(s) })
	_, found := r.Lookup("y")
	assert.False(t, found)
}
