package tunnel

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func TestBytesAreCarriedAndCounted(t *testing.T) {
	p := newPair(t, relayOptions())
	nodetest.Send(t, p.outside, "Hello")
	nodetest.Receive(t, p.inside, "Hello")
	nodetest.Send(t, p.inside, "Hello, world")
	nodetest.Receive(t, p.outside, "Hello, world")
	require.NoError(t, p.outside.CloseWrite())
	nodetest.ReceiveEnd(t, p.inside, "")
	require.NoError(t, p.inside.Close())
	nodetest.ReceiveEnd(t, p.outside, "")
	const closed = "5 bytes forth, 12 bytes back, FIN from outside, then from inside"
	p.relay.log.Wait(t, closed)
	p.client.log.Wait(t, closed)
	// The relay knows who called, the client is told, and the server is not.
	caller := p.outside.LocalAddr().String()
	p.relay.log.Wait(t, "accepted   tcp "+caller+" -> ")
	p.client.log.Wait(t, "opened     tcp "+caller+" -> ")
	assert.NotEqual(t, caller, p.inside.RemoteAddr().String())
}

func TestHalfCloseLeavesTheOtherDirectionOpen(t *testing.T) {
	ends := func(t *testing.T, p pair, first, second *net.TCPConn, from string) {
		nodetest.Send(t, first, "question")
		require.NoError(t, first.CloseWrite())
		nodetest.ReceiveEnd(t, second, "question")
		answer := text(5 << 20) // more than any buffer on the way
		go func() { _, _ = io.WriteString(second, answer); second.CloseWrite() }()
		nodetest.ReceiveEnd(t, first, answer)
		p.relay.log.Wait(t, "FIN from "+from)
		p.client.log.Wait(t, "FIN from "+from)
	}
	t.Run("outside first", func(t *testing.T) {
		p := newPair(t, relayOptions())
		ends(t, p, p.outside, p.inside, "outside")
	})
	t.Run("inside first", func(t *testing.T) {
		p := newPair(t, relayOptions())
		ends(t, p, p.inside, p.outside, "inside")
	})
}

func TestResetIsCarried(t *testing.T) {
	resets := func(t *testing.T, p pair, first, second *net.TCPConn, from string) {
		resetConn(first)
		receiveReset(t, second)
		p.relay.log.Wait(t, "RST from "+from)
		p.client.log.Wait(t, "RST from "+from)
	}
	t.Run("from outside", func(t *testing.T) {
		p := newPair(t, relayOptions())
		resets(t, p, p.outside, p.inside, "outside")
	})
	t.Run("from inside", func(t *testing.T) {
		p := newPair(t, relayOptions())
		resets(t, p, p.inside, p.outside, "inside")
	})
	t.Run("after a half-close", func(t *testing.T) {
		p := newPair(t, relayOptions())
		require.NoError(t, p.outside.CloseWrite())
		nodetest.ReceiveEnd(t, p.inside, "")
		resetConn(p.inside)
		receiveReset(t, p.outside)
	})
	t.Run("while nobody reads", func(t *testing.T) {
		p := newPair(t, relayOptions())
		require.NoError(t, p.outside.SetWriteDeadline(time.Now().Add(time.Second)))
		_, err := p.outside.Write(make([]byte, 64<<20))
		require.Error(t, err, "the server reads nothing, so that everything is full")
		resetConn(p.outside)
		p.relay.log.Wait(t, "RST from outside")
		receiveReset(t, p.inside)
	})
}

func TestServerThatIsNotThere(t *testing.T) {
	l := nodetest.Listen(t)
	f := to(t, TCP, l.Addr())
	require.NoError(t, l.Close())
	r := startRelay(t, relayOptions())
	c := startClient(t, clientOptions(r.Addr(), f))
	dialReset(t, f.public())
	r.log.Wait(t, "connect inside: ECONNREFUSED (111) connection refused")
	c.log.Wait(t, "connect: ECONNREFUSED (111)")
}

func TestIdleConnectionIsEnded(t *testing.T) {
	o := relayOptions()
	o.Idle = 100 * time.Millisecond
	p := newPair(t, o)
	receiveReset(t, p.outside)
	receiveReset(t, p.inside)
	p.relay.log.Wait(t, "idle for 100ms")
}

func TestOneThatDoesNotReadHoldsUpNobody(t *testing.T) {
	p := newPair(t, relayOptions())
	require.NoError(t, p.inside.SetWriteDeadline(time.Now().Add(500*time.Millisecond)))
	_, err := p.inside.Write(make([]byte, 64<<20))
	require.Error(t, err, "the outside client reads nothing, so that everything is full")

	l := nodetest.Listen(t)
	f := to(t, TCP, l.Addr())
	startClient(t, clientOptions(p.relay.Addr(), f))
	outside := dialTCP(t, f)
	inside := nodetest.Accept(t, l)
	want := text(8 << 20)
	go func() { _, _ = io.WriteString(inside, want); inside.Close() }()
	nodetest.ReceiveEnd(t, outside, want)
}

func TestProxyProtocolNamesTheOutsideClient(t *testing.T) {
	l := nodetest.Listen(t)
	f := to(t, TCP, l.Addr())
	r := startRelay(t, relayOptions())
	o := clientOptions(r.Addr(), f)
	o.ProxyProtocol = true
	startClient(t, o)
	outside := dialTCP(t, f)
	nodetest.Send(t, outside, "Hello")
	// A server as others write it.
	server := proxyproto.NewConn(nodetest.Accept(t, l))
	nodetest.Receive(t, server, "Hello")
	assert.Equal(t, outside.LocalAddr().String(), server.RemoteAddr().String())
	assert.Equal(t, outside.RemoteAddr().String(), server.LocalAddr().String())
}

func TestManyConnectionsAtOnce(t *testing.T) {
	l := nodetest.Listen(t)
	f := to(t, TCP, l.Addr())
	r := startRelay(t, relayOptions())
	startClient(t, clientOptions(r.Addr(), f))
	const n = 300 // more than yamux's backlog
	var outside, inside []*net.TCPConn
	for range n {
		outside = append(outside, dialTCP(t, f))
		inside = append(inside, nodetest.Accept(t, l))
	}
	for i := range n {
		nodetest.Send(t, outside[i], "ping")
		nodetest.Receive(t, inside[i], "ping")
		inside[i].Close()
		nodetest.ReceiveEnd(t, outside[i], "")
		outside[i].Close()
	}
	require.Eventually(t, func() bool { return strings.Count(r.log.String(), "closed ") == n }, patience, time.Millisecond)
	require.Eventually(t, func() bool { return r.watch.Len() == 0 }, patience, time.Millisecond)
}

func TestMoreThanTheMostWait(t *testing.T) {
	l := nodetest.Listen(t)
	f := to(t, TCP, l.Addr())
	o := relayOptions()
	o.MaxConnections = 1
	r := startRelay(t, o)
	startClient(t, clientOptions(r.Addr(), f))
	first := dialTCP(t, f)
	served := nodetest.Accept(t, l)
	second := dialTCP(t, f)
	nodetest.Send(t, second, "waited")
	first.Close()
	served.Close()
	nodetest.Receive(t, nodetest.Accept(t, l), "waited")
}
