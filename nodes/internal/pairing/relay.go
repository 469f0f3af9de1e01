package pairing

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/punch"
	"github.com/crosslan/crosslan/nodes/internal/relay"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// Config is what a relay is told.
type Config struct {
	rendezvous.Config

	// Idle ends a TCP pair over which nothing has moved, in either direction, for so
	// long. Zero never does.
	Idle time.Duration
}

// DefaultConfig listens on the default port of every IPv4 address. The idle limit is
// that of relay tcp.
func DefaultConfig() Config {
	c := Config{Config: rendezvous.DefaultConfig(), Idle: 5 * time.Minute}
	c.Listen = []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), punch.RelayPort)}
	return c
}

// Relay is a relay whose listening sockets are open.
type Relay struct {
	server  *rendezvous.Server
	streams *relay.Carrier
	carrier *carrier
}

// Listen opens the listening sockets, all or with an error none. What happens is printed
// to the Events of ctx.
func Listen(ctx context.Context, c Config) (*Relay, error) {
	r := &Relay{streams: relay.NewCarrier(c.Idle)}
	r.carrier = newCarrier(node.From(ctx), r.streams, c.Quiet)
	c.Carrier = r.carrier
	var err error
	if r.server, err = rendezvous.Listen(ctx, c.Config); err != nil {
		r.streams.Close()
		return nil, err
	}
	return r, nil
}

// Addrs is where the relay listens.
func (r *Relay) Addrs() []netip.AddrPort { return r.server.Addrs() }

// Serve carries until ctx is cancelled, then resets every connection. It returns when
// nothing is left.
func (r *Relay) Serve(ctx context.Context) error {
	defer r.streams.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.streams.Run(ctx) })
	g.Go(func() error { return r.server.Serve(ctx) })
	node.From(ctx).Ready("relay "+r.String(), slog.Any("listen", r.Addrs()))
	return g.Wait()
}

// String lists where the relay listens.
func (r *Relay) String() string {
	var texts []string
	for _, a := range r.Addrs() {
		texts = append(texts, a.String())
	}
	return "rendezvous udp and tcp " + strings.Join(texts, ", ")
}
