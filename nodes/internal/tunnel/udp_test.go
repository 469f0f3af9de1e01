package tunnel

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func dialUDP(t testing.TB, f Forward) net.Conn {
	t.Helper()
	c, err := net.Dial("udp4", f.public())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

func exchange(t testing.TB, c net.Conn, s string) {
	t.Helper()
	nodetest.Send(t, c, s)
	b := make([]byte, 1<<16)
	n, err := c.Read(b)
	require.NoError(t, err)
	require.True(t, s == string(b[:n]), "%d bytes came back of %d", n, len(s))
}

func TestDatagramsKeepTheirBounds(t *testing.T) {
	f := to(t, UDP, udpEcho(t))
	r := startRelay(t, relayOptions())
	startClient(t, clientOptions(r.Addr(), f))
	c := dialUDP(t, f)
	for _, n := range []int{1, 0, 2, 1472, 1473, 9000, 65506, 65507} {
		exchange(t, c, text(n))
	}
}

func TestEachSourceHasASession(t *testing.T) {
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer server.Close()
	require.NoError(t, server.SetDeadline(time.Now().Add(patience)))
	f := to(t, UDP, server.LocalAddr())
	r := startRelay(t, relayOptions())
	client := startClient(t, clientOptions(r.Addr(), f))

	b := make([]byte, 100)
	var sources []net.Addr
	clients := []net.Conn{dialUDP(t, f), dialUDP(t, f)}
	for _, c := range clients {
		nodetest.Send(t, c, "who am I?")
		_, from, err := server.ReadFrom(b)
		require.NoError(t, err)
		sources = append(sources, from)
		r.log.Wait(t, "accepted   udp "+c.LocalAddr().String())
		client.log.Wait(t, "opened     udp "+c.LocalAddr().String())
	}
	assert.NotEqual(t, sources[0].String(), sources[1].String())
	for i, name := range []string{"first", "second"} {
		_, err := server.WriteTo([]byte(name), sources[i])
		require.NoError(t, err)
		nodetest.Receive(t, clients[i], name)
	}
}

func TestSilentSessionIsEnded(t *testing.T) {
	o := relayOptions()
	o.Lifetime = 100 * time.Millisecond
	f := to(t, UDP, udpEcho(t))
	r := startRelay(t, o)
	startClient(t, clientOptions(r.Addr(), f))
	c := dialUDP(t, f)
	exchange(t, c, "hello")
	r.log.Wait(t, "1 datagram (5 bytes) forth, 1 datagram (5 bytes) back, silent for 100ms")
	exchange(t, c, "and again") // in a new one
}

func TestMoreSessionsThanTheMostAreDropped(t *testing.T) {
	o := relayOptions()
	o.MaxSessions = 1
	f := to(t, UDP, udpEcho(t))
	r := startRelay(t, o)
	startClient(t, clientOptions(r.Addr(), f))
	first, second := dialUDP(t, f), dialUDP(t, f)
	exchange(t, first, "hello")
	nodetest.Send(t, second, "anybody?")
	r.log.Wait(t, "1 sessions (--max-sessions)")
	exchange(t, first, "still here")
}

func TestNobodyListensInsideByUDP(t *testing.T) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	f := to(t, UDP, c.LocalAddr())
	c.Close()
	r := startRelay(t, relayOptions())
	client := startClient(t, clientOptions(r.Addr(), f))
	nodetest.Send(t, dialUDP(t, f), "anybody?")
	client.log.Wait(t, "ECONNREFUSED (111) connection refused")
}
