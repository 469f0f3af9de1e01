package relay

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// dialLimit is how long the target may take to accept.
const dialLimit = 10 * time.Second

// tcpListener accepts connections and carries each to the target.
type tcpListener struct {
	*net.TCPListener
	forward Forward
	relay   *Relay
	slots   chan struct{} // one a connection, of all listeners
	dialer  net.Dialer
}

// No keep-alive probes are sent, on either side: they would be traffic that neither
// end has sent, and hold open the mappings of a NAT on the way.
const noKeepAlive = -1

func listenTCP(ctx context.Context, f Forward, r *Relay, slots chan struct{}) (listener, error) {
	config := net.ListenConfig{KeepAlive: noKeepAlive}
	l, err := config.Listen(ctx, f.network(), f.listen())
	if err != nil {
		return nil, errno.Wrap("", err, "tcp "+f.listen())
	}
	return &tcpListener{
		TCPListener: l.(*net.TCPListener), forward: f, relay: r, slots: slots,
		dialer: net.Dialer{Timeout: dialLimit, KeepAlive: noKeepAlive},
	}, nil
}

func (l *tcpListener) addr() netip.AddrPort { return transportAddress(l.Addr()) }

func (l *tcpListener) close() { l.Close() }

func (l *tcpListener) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, l.close)
	defer stop()
	var connections sync.WaitGroup
	defer connections.Wait()
	var starved, full spell
	failed := func(err error) {
		if starved.begins() {
			l.relay.printLimited(l.forward, err.Error())
		}
	}
	for client := range backoff.Accept(ctx, l.TCPListener, failed) {
		starved.ends()
		if !l.takeSlot(ctx, &full) {
			reset(client)
			return nil
		}
		connections.Go(func() {
			defer func() { <-l.slots }()
			l.carry(ctx, client)
		})
	}
	return nil
}

// takeSlot waits until there may be one more connection, or ctx is cancelled.
func (l *tcpListener) takeSlot(ctx context.Context, full *spell) bool {
	select {
	case l.slots <- struct{}{}:
		full.ends()
		return true
	default:
	}
	if full.begins() {
		l.relay.printLimited(l.forward, count(int64(cap(l.slots)), "connection")+" (--max-connections); others wait")
	}
	select {
	case l.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// spell is a time during which something stays as it is, and is said once.
type spell bool

// begins reports whether it had not begun before.
func (s *spell) begins() bool {
	before := *s
	*s = true
	return !bool(before)
}

func (s *spell) ends() { *s = false }

// carry connects to the target and carries bytes until the connection ends.
func (l *tcpListener) carry(ctx context.Context, client *net.TCPConn) {
	defer client.Close()
	t := tuples{protocol: TCP, client: transportAddress(client.RemoteAddr()), listen: transportAddress(client.LocalAddr())}
	l.relay.printAccepted(t)
	began := time.Now()
	target, err := l.dialer.DialContext(ctx, "tcp", l.forward.Target)
	if err != nil {
		// With an RST the client sees that something is wrong; after a FIN
		// it would think that the target had nothing to say.
		reset(client)
		l.relay.printClosed(t, end{why: refused, err: err}, carried{}, carried{}, time.Since(began))
		return
	}
	defer target.Close()
	t.local, t.target = transportAddress(target.LocalAddr()), transportAddress(target.RemoteAddr())
	l.relay.printConnected(t)
	c, err := newConnection(client, target.(*net.TCPConn), l.relay.pipes)
	if err != nil {
		l.relay.printClosed(t, end{why: failed, err: err}, carried{}, carried{}, time.Since(began))
		return
	}
	defer l.relay.watch.Add(c)()
	stop := context.AfterFunc(ctx, func() { c.abort(end{why: stopped}) })
	defer stop()
	e := c.carry()
	l.relay.printClosed(t, e, c.forth.carried(), c.back.carried(), time.Since(began))
}

// reset ends a connection by an RST.
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// transportAddress is a's address and port; an IPv4 address is one also where the
// socket is of IPv6.
func transportAddress(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
