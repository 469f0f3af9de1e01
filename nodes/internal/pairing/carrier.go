package pairing

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/relay"
)

// carrier carries what pairs say, and counts it. It is a rendezvous.Carrier.
type carrier struct {
	events  *node.Events
	streams *relay.Carrier
	quiet   bool

	pairs, bytes atomic.Int64 // carried so far; bytes of streams count when they end

	mu        sync.Mutex
	datagrams map[netip.AddrPort]*pair // by each of both sources
}

// pair is two clients whose datagrams are carried.
type pair struct {
	a, b        netip.AddrPort // a spoke first
	began       time.Time
	forth, back traffic // from a to b, and from b to a
}

type traffic struct {
	datagrams, bytes atomic.Int64
}

func (t *traffic) String() string {
	return fmt.Sprintf("%s (%s)", count(t.datagrams.Load(), "datagram"), count(t.bytes.Load(), "byte"))
}

func newCarrier(events *node.Events, streams *relay.Carrier, quiet bool) *carrier {
	return &carrier{events: events, streams: streams, quiet: quiet, datagrams: map[netip.AddrPort]*pair{}}
}

// Stream splices two connections until both directions have ended.
func (c *carrier) Stream(ctx context.Context, a, b *net.TCPConn) error {
	from, to := addr.Of(a.RemoteAddr()), addr.Of(b.RemoteAddr())
	c.pairs.Add(1)
	r := c.streams.Carry(ctx, a, b)
	c.bytes.Add(r.Forth + r.Back)
	c.print(from, to, "tcp", r.Words(from.String(), to.String()), r.Attrs()...)
	return nil
}

// Datagram counts one. With the first, the two are a pair.
func (c *carrier) Datagram(from, to netip.AddrPort, size int) bool {
	c.mu.Lock()
	p := c.datagrams[from]
	if p == nil {
		c.pairs.Add(1)
		p = &pair{a: from, b: to, began: time.Now()}
		c.datagrams[from], c.datagrams[to] = p, p
	}
	c.mu.Unlock()
	t := &p.forth
	if from == p.b {
		t = &p.back
	}
	t.datagrams.Add(1)
	t.bytes.Add(int64(size))
	c.bytes.Add(int64(size))
	return true
}

// Parted tells what was carried between two.
func (c *carrier) Parted(a, b netip.AddrPort) {
	c.mu.Lock()
	p := c.datagrams[a]
	delete(c.datagrams, a)
	delete(c.datagrams, b)
	c.mu.Unlock()
	if p == nil {
		return
	}
	took := time.Since(p.began)
	c.print(p.a, p.b, "udp", fmt.Sprintf("after %.2f s: %s forth, %s back", took.Seconds(), &p.forth, &p.back),
		slog.Int64("forth", p.forth.bytes.Load()), slog.Int64("back", p.back.bytes.Load()),
		slog.Int64("forth_datagrams", p.forth.datagrams.Load()), slog.Int64("back_datagrams", p.back.datagrams.Load()),
		slog.Float64("seconds", took.Seconds()))
}

// print prints how a pair ended.
func (c *carrier) print(a, b netip.AddrPort, protocol, how string, attrs ...slog.Attr) {
	if c.quiet {
		return
	}
	c.events.Print("closed", fmt.Sprintf("%s %v with %v %s", protocol, a, b, how),
		append([]slog.Attr{slog.String("protocol", protocol), slog.Any("a", a), slog.Any("b", b)}, attrs...)...)
}

// printCarried tells what was carried so far.
func (c *carrier) printCarried() {
	pairs, bytes := c.pairs.Load(), c.bytes.Load()
	c.events.Print("carried", fmt.Sprintf("%s, %s", count(pairs, "pair"), count(bytes, "byte")),
		slog.Int64("pairs", pairs), slog.Int64("bytes", bytes))
}

// count words a number of things: 1 byte, 2 bytes.
func count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
