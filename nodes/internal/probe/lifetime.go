package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/stun/v3"
	"golang.org/x/sync/errgroup"

	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// Search says how to search for the lifetime of a mapping.
type Search struct {
	Max        time.Duration       // the greatest age that is looked at
	Resolution time.Duration       // how far apart Lifetime's two ages may be, if the first round leaves more; 0: any
	Alive      func(time.Duration) // called for the greatest age at which a mapping was seen alive, each time it doubles
}

// search finds the lifetime of a UDP mapping, as RFC 5780 section 4.6 does: of a mapping
// that was made a while ago, the server is asked, from another socket and by
// RESPONSE-PORT, to send something to its outside port. If that comes in, the mapping
// is alive; and it has not been refreshed from inside.
//
// Where the RFC tries one age after the other, doubling and then bisecting, this makes
// a mapping for each age at once, so that a round takes no longer than the lifetime
// itself. The first round goes up by eighths of a doubling; further rounds divide what
// it leaves.
func (u *udpProbe) search(ctx context.Context) (*Lifetime, error) {
	switch alive, _, err := u.alive(ctx, 0); {
	case err != nil:
		return nil, err
	case !alive:
		return nil, fmt.Errorf("no answer of %v to another port (RESPONSE-PORT) came in, not even at once: the lifetime cannot be searched for", u.server.primary())
	}
	l, err := u.round(ctx, ascending(u.Search.Max))
	for err == nil && l.wider(u.Search.Resolution) {
		var finer Lifetime
		finer, err = u.round(ctx, between(l))
		l.AtLeast = max(l.AtLeast, finer.AtLeast)
		if finer.Below > 0 {
			l.Below = min(l.Below, finer.Below)
		}
	}
	if l.Below > 0 && l.AtLeast > l.Below {
		// One mapping lived longer than another: the NAT is not that exact.
		l.AtLeast, l.Below = l.Below, l.AtLeast
	}
	return &l, err
}

// wider tells whether the two ages leave more between them than is wanted.
func (l Lifetime) wider(resolution time.Duration) bool {
	return l.Below > 0 && resolution > 0 && l.Below-l.AtLeast > resolution
}

// firstAge is a little less than a second, so that lifetimes of whole seconds, which
// are the usual ones, do not fall on an age but between two.
const firstAge = 950 * time.Millisecond

// parts is into how many parts a round divides a doubling, or what is left.
const parts = 8

// ascending are the ages of the first round.
func ascending(limit time.Duration) []time.Duration {
	var ages []time.Duration
	for octave := firstAge; octave < limit; octave *= 2 {
		for i := range time.Duration(parts) {
			if age := octave + octave*i/parts; age < limit {
				ages = append(ages, age)
			}
		}
	}
	return append(ages, limit)
}

// between are the ages of a further round.
func between(l Lifetime) []time.Duration {
	var ages []time.Duration
	for i := range time.Duration(parts - 1) {
		ages = append(ages, l.AtLeast+(l.Below-l.AtLeast)*(i+1)/parts)
	}
	return ages
}

// round looks at a mapping of each age. The first that is gone ends the waiting for
// older ones.
func (u *udpProbe) round(ctx context.Context, ages []time.Duration) (Lifetime, error) {
	var c census
	g, ctx := errgroup.WithContext(ctx)
	for _, age := range ages {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		c.waiting = append(c.waiting, waiting{age, cancel})
		g.Go(func() error {
			alive, seen, err := u.alive(ctx, age)
			switch {
			case err == nil:
				c.found(age, seen, alive, u.Search.Alive)
			case c.beyond(age):
				return nil
			}
			return err
		})
	}
	err := g.Wait()
	return c.Lifetime, err
}

// alive makes a mapping and reports whether it is there at some age, and at which
// exactly: a busy machine comes late.
func (u *udpProbe) alive(ctx context.Context, age time.Duration) (alive bool, seen time.Duration, err error) {
	s, err := openSocket(netip.AddrPortFrom(u.local, 0), u.inbox)
	if err != nil {
		return false, 0, err
	}
	defer s.Close()
	made, err := u.observe(ctx, s, u.server.primary())
	if err != nil {
		return false, 0, err
	}
	t := time.NewTimer(time.Until(made.sent.Add(age)))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return false, 0, context.Cause(ctx)
	}
	seen = time.Since(made.sent)
	alive, err = u.check(ctx, made.observed, s.address())
	return alive, seen, err
}

// check asks from a socket of its own for an answer to a mapping, and reports whether it
// comes in at the mapping's socket.
func (u *udpProbe) check(ctx context.Context, mapping, socket netip.AddrPort) (bool, error) {
	s, err := openSocket(netip.AddrPortFrom(u.local, 0), u.inbox)
	if err != nil {
		return false, err
	}
	defer s.Close()
	m, err := newRequest(stunserver.ResponsePort(mapping.Port()))
	if err != nil {
		return false, err
	}
	messages, forget := u.inbox.expect(m.TransactionID)
	defer forget()
	got, err := u.quiet.exchange(ctx, messages, func() error { return s.send(m, u.server.primary()) })
	switch {
	case err == nil && got.at == socket:
		return true, nil
	case err == nil && got.Type == stun.BindingError:
		return false, got.refusal()
	case err == nil:
		return false, fmt.Errorf("%v pays no heed to RESPONSE-PORT, without which a lifetime cannot be searched for", got.from)
	case !errors.Is(err, errSilence):
		return false, err
	}
	// Silence may also mean that the server is gone, or sends to another address.
	control, err := u.observe(ctx, s, u.server.primary())
	if err == nil && control.observed.Addr() != mapping.Addr() {
		err = fmt.Errorf("the NAT gave the addresses %v and %v to one host: the lifetime cannot be searched for", mapping.Addr(), control.observed.Addr())
	}
	return false, err
}
