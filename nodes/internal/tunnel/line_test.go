package tunnel

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func TestTunnelComesBackAfterTheRelayRestarts(t *testing.T) {
	l := nodetest.Listen(t)
	f := to(t, TCP, l.Addr())
	o := relayOptions()
	r := startRelay(t, o)
	o.Listen = r.Addr()
	client := startClient(t, clientOptions(o.Listen, f))
	outside := dialTCP(t, f)
	inside := nodetest.Accept(t, l)
	client.log.Wait(t, "opened")

	r.stop()
	receiveReset(t, outside)
	receiveReset(t, inside)
	client.log.Wait(t, "lost       "+o.Listen.String())
	client.log.Wait(t, "waiting    connect: ECONNREFUSED (111)")
	_, err := net.Dial("tcp", f.public())
	require.ErrorContains(t, err, "connection refused", "a port whose tunnel is gone")

	r = startRelay(t, o)
	r.log.Wait(t, "published")
	outside = dialTCP(t, f)
	nodetest.Send(t, outside, "back again")
	nodetest.Receive(t, nodetest.Accept(t, l), "back again")
}

func TestClientThatStopsGivesItsPortsBack(t *testing.T) {
	p := newPair(t, relayOptions())
	at := p.outside.RemoteAddr().String()
	p.client.stop()
	receiveReset(t, p.outside)
	p.relay.log.Wait(t, "left ")
	_, err := net.Dial("tcp", at)
	require.ErrorContains(t, err, "connection refused")
}

// line is a TCP line to the relay that can be cut: nothing passes any more, and nobody
// is told.
type line struct {
	*net.TCPListener
	mu    sync.Mutex
	conns []net.Conn
	cut   bool
}

func newLine(t *testing.T, relay netip.AddrPort) *line {
	l := &line{TCPListener: nodetest.Listen(t)}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		l.mu.Lock()
		for _, c := range l.conns {
			c.Close()
		}
		l.mu.Unlock()
		wg.Wait()
	})
	pass := func(to, from net.Conn) {
		b := make([]byte, 1<<16)
		for {
			n, err := from.Read(b)
			l.mu.Lock()
			cut := l.cut
			l.mu.Unlock()
			if cut {
				swallow(from, err)
				return
			}
			if err != nil {
				to.Close()
				return
			}
			_, _ = to.Write(b[:n])
		}
	}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d, err := net.Dial("tcp", relay.String())
			if err != nil {
				c.Close()
				continue
			}
			l.mu.Lock()
			l.conns = append(l.conns, c, d)
			l.mu.Unlock()
			wg.Go(func() { pass(c, d) })
			wg.Go(func() { pass(d, c) })
		}
	})
	return l
}

// swallow takes what still comes, and passes nothing on.
func swallow(c net.Conn, err error) {
	if err == nil {
		_, _ = io.Copy(io.Discard, c)
	}
}

func (l *line) die() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
}

func TestDeadLineIsNoticed(t *testing.T) {
	r := startRelay(t, relayOptions())
	l := newLine(t, r.Addr())
	target := nodetest.Listen(t)
	f := to(t, TCP, target.Addr())
	o := clientOptions(addr.Of(l.Addr()), f)
	o.Keepalive = 100 * time.Millisecond
	o.lineTimeout = 300 * time.Millisecond
	client := startClient(t, o)
	l.die()
	client.log.Wait(t, "lost")
	assert.Contains(t, client.log.String(), "no answer to keepalive")
}

func TestDeadClientLosesItsPort(t *testing.T) {
	r := startRelay(t, relayOptions()) // whose keepalive is too slow to notice
	l := newLine(t, r.Addr())
	target := nodetest.Listen(t)
	f := to(t, TCP, target.Addr())
	startClient(t, clientOptions(addr.Of(l.Addr()), f))

	// While the old one answers, its port is its own.
	err := refusedWith(t, clientOptions(r.Addr(), f))
	assert.ErrorContains(t, err, f.Publication.String()+" is taken by the client at 127.0.0.1:")
	r.log.Wait(t, "refused")

	l.die()
	startClient(t, clientOptions(r.Addr(), f))
	r.log.Wait(t, "it no longer answers, and another client wants its port")
	nodetest.Send(t, dialTCP(t, f), "to the new one")
	nodetest.Receive(t, nodetest.Accept(t, target), "to the new one")
}
