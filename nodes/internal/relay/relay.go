package relay

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/watch"
)

// Relay is a set of forwards whose listening sockets are open.
type Relay struct {
	events    *node.Events
	forwards  []Forward
	listeners []listener
	watch     *watch.Watch
	pipes     *pipePool
}

// listener is the listening side of one forward.
type listener interface {
	// serve carries what arrives until ctx is cancelled, and returns when
	// nothing of it is left.
	serve(ctx context.Context) error
	addr() netip.AddrPort
	close()
}

// Listen opens the listening sockets of forwards: all, or with an error none.
func Listen(ctx context.Context, forwards []Forward, options Options, events *node.Events) (*Relay, error) {
	if err := Check(forwards); err != nil {
		return nil, err
	}
	r := &Relay{
		events: events, forwards: forwards,
		watch: watch.New(options.Idle), pipes: newPipePool(maxPipes),
	}
	slots := make(chan struct{}, options.MaxConnections)
	for _, f := range forwards {
		var l listener
		var err error
		switch f.Protocol {
		case TCP:
			l, err = listenTCP(ctx, f, r, slots)
		case UDP:
			l, err = listenUDP(ctx, f, options, r)
		}
		if err != nil {
			r.closeListeners()
			return nil, err
		}
		r.listeners = append(r.listeners, l)
	}
	return r, nil
}

func (r *Relay) closeListeners() {
	for _, l := range r.listeners {
		l.close()
	}
}

// Addrs returns the transport addresses that the relay listens on, in the order of
// its forwards.
func (r *Relay) Addrs() []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, l := range r.listeners {
		addrs = append(addrs, l.addr())
	}
	return addrs
}

// Serve carries until ctx is cancelled, then resets every connection: an end that is
// not the other side's must not look like it. It returns when nothing is left.
func (r *Relay) Serve(ctx context.Context) error {
	defer r.pipes.close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		r.watch.Run(ctx)
		return nil
	})
	for _, l := range r.listeners {
		g.Go(func() error { return l.serve(ctx) })
	}
	texts := make([]string, len(r.forwards))
	for i, f := range r.forwards {
		texts[i] = f.String()
	}
	r.events.Ready("relay "+strings.Join(texts, ", "), slog.Any("forwards", texts))
	return g.Wait()
}
