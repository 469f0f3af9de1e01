package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/pion/stun/v3"
	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// tcpProbe measures over TCP.
type tcpProbe struct {
	Options
	streams

	server server
}

// measureTCP returns also the server's other address, if it is known.
func measureTCP(ctx context.Context, o Options) (*Behaviour, netip.AddrPort, error) {
	t := &tcpProbe{Options: o, streams: streams{inbox: newInbox(), patience: o.patience.total()}}
	// Who listens on a port can also connect from it, and nobody else gets it.
	listeners, err := openRoles(o.source(), filteringRole+1, func(local netip.AddrPort) (*listener, error) { return listen(ctx, local) })
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	defer t.close()
	defer closeAll(listeners)
	first, r, err := t.observe(ctx, listeners[mappingRole].address(), o.Server)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	if t.server, err = newServer(o.Server, r.other); err != nil {
		return nil, r.other, err
	}
	b := &Behaviour{Local: addr.Of(first.LocalAddr()), Observations: []Observation{{By: o.Server, Observed: r.observed}}}
	if err := t.measure(ctx, b, listeners[filteringRole]); err != nil {
		return nil, r.other, err
	}
	return b, r.other, nil
}

// measure goes on from the first observation.
func (t *tcpProbe) measure(ctx context.Context, b *Behaviour, l *listener) error {
	var filtering Filtering
	var second mapped
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.mapping(ctx, b) })
	g.Go(func() (err error) {
		filtering, second, err = t.filtering(ctx, l)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	b.conclude(filtering)
	if b.NAT {
		b.Ports = portsOf([]mapped{{b.Local, b.Observed}, second})
	}
	return nil
}

// mapping connects to the other addresses from the port that is connected to the
// primary one.
func (t *tcpProbe) mapping(ctx context.Context, b *Behaviour) error {
	for _, by := range t.server.observers()[1:] {
		_, r, err := t.observe(ctx, b.Local, by)
		if err != nil {
			return fmt.Errorf("%w (an address that %v tells of: is it routed?)", err, t.server.primary())
		}
		b.Observations = append(b.Observations, Observation{By: by, Observed: r.observed})
	}
	return nil
}

// filtering connects to the primary address from a port on which it listens, and asks
// the server to connect back from elsewhere.
func (t *tcpProbe) filtering(ctx context.Context, l *listener) (Filtering, mapped, error) {
	t.accept(l.TCPListener)
	c, r, err := t.observe(ctx, l.address(), t.server.primary())
	if err != nil {
		return "", mapped{}, err
	}
	door := mapped{addr.Of(c.LocalAddr()), r.observed}
	var both, port bool
	g, ctx := errgroup.WithContext(ctx)
	for change, in := range map[stunserver.ChangeRequest]*bool{changeBoth: &both, changePort: &port} {
		g.Go(func() (err error) {
			*in, err = t.comesIn(ctx, c, change)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", mapped{}, err
	}
	return filteringOf(both, port), door, nil
}

// comesIn reports whether a connection from elsewhere comes in. If none does, the
// server says so.
func (t *tcpProbe) comesIn(ctx context.Context, c *conn, change stunserver.ChangeRequest) (bool, error) {
	p, err := t.ask(ctx, c, change)
	if err != nil {
		return false, err
	}
	_, err = p.read()
	var no *refusal
	if errors.As(err, &no) && no.code == stun.CodeConnTimeoutOrFailure {
		return false, nil
	}
	if err == nil && !t.server.elsewhere(p.from, change) {
		err = fmt.Errorf("%v, asked to connect from %v, answered from %v", t.server.primary(), t.server.after(change), p.from)
	}
	return err == nil, err
}
