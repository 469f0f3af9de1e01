package rendezvous

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// Carrier carries what paired clients say to each other, for a server that is a relay.
// Its methods are called concurrently.
type Carrier interface {
	// Stream carries bytes both ways until it returns. Both connections are closed
	// afterwards, and when ctx is done. They have no deadlines.
	Stream(ctx context.Context, a, b *net.TCPConn) error

	// Datagram is told of each datagram before it is passed on; false drops it.
	Datagram(from, to netip.AddrPort, size int) bool

	// Parted is told when no more datagrams will be passed on between two.
	Parted(a, b netip.AddrPort)
}

// pairs are the clients that are being carried.
type pairs struct {
	carrier Carrier
	journal *journal

	mu      sync.Mutex
	to      map[netip.AddrPort]*udpLine // by the source of a datagram
	streams map[*tcpLine]*carriage
}

// carriage is two connections that become one. The first of both to come runs it.
type carriage struct {
	a, b *tcpLine
	once sync.Once
	done chan struct{}
}

func newPairs(c Carrier, j *journal) *pairs {
	return &pairs{carrier: c, journal: j, to: map[netip.AddrPort]*udpLine{}, streams: map[*tcpLine]*carriage{}}
}

// join begins to carry between two who know each other.
func (p *pairs) join(a, b line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch a := a.(type) {
	case *udpLine:
		b := b.(*udpLine)
		p.to[a.remote()], p.to[b.remote()] = b, a
	case *tcpLine:
		b := b.(*tcpLine)
		c := &carriage{a: a, b: b, done: make(chan struct{})}
		p.streams[a], p.streams[b] = c, c
		for _, l := range []*tcpLine{a, b} {
			l.finish() // what follows is the partner's
			close(l.handOver)
		}
	}
}

// part ends the carrying.
func (p *pairs) part(a, b line) {
	if _, ok := a.(*udpLine); ok {
		defer p.carrier.Parted(a.remote(), b.remote())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range []line{a, b} {
		switch l := l.(type) {
		case *udpLine:
			delete(p.to, l.remote())
		case *tcpLine:
			delete(p.streams, l)
			l.conn.Close()
		}
	}
}

// datagram passes one datagram on.
func (p *pairs) datagram(b []byte, from netip.AddrPort) {
	p.mu.Lock()
	to := p.to[from]
	p.mu.Unlock()
	if to == nil || !p.carrier.Datagram(from, to.remote(), len(b)) {
		return
	}
	if err := to.conn.Reply(b, to.info); err != nil {
		p.journal.failed(errno.Wrap("sendto", err, to.remote().String()))
	}
}

// stream waits until the partner of l knows of it, too, and carries until the end.
func (p *pairs) stream(ctx context.Context, l *tcpLine, patience time.Duration) {
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-l.handOver:
	case <-t.C:
		return
	case <-ctx.Done():
		_ = l.conn.SetLinger(0)
		return
	}
	p.mu.Lock()
	c := p.streams[l]
	p.mu.Unlock()
	if c == nil {
		return
	}
	c.once.Do(func() {
		defer close(c.done)
		for _, l := range []*tcpLine{c.a, c.b} {
			l.waitDelivered()
		}
		if err := p.carrier.Stream(ctx, c.a.conn, c.b.conn); err != nil && ctx.Err() == nil {
			p.journal.failed(err)
		}
	})
	<-c.done
}
