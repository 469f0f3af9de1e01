package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/pion/stun/v3"
	"golang.org/x/sync/errgroup"

	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// udpProbe measures over UDP.
type udpProbe struct {
	Options
	discovery

	server server
	inbox  *inbox
	quiet  pace // of a question that may stay without an answer
}

// measureUDP opens the sockets of all tests, and asks the primary address from those
// that are to have a mapping.
func measureUDP(ctx context.Context, o Options) (*UDP, netip.AddrPort, error) {
	d, err := discover(ctx, o)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	u := &udpProbe{Options: o, discovery: d, inbox: newInbox(), quiet: negative(o.Silence, d.roundTrip)}
	if u.server, err = newServer(o.Server, d.other); err != nil {
		return nil, d.other, err
	}
	sockets, err := openRoles(netip.AddrPortFrom(u.local, o.Local.Port()), roles,
		func(local netip.AddrPort) (*socket, error) { return openSocket(local, u.inbox) })
	if err != nil {
		return nil, d.other, err
	}
	defer closeAll(sockets)
	doors, err := u.knock(ctx, sockets[:guessRole])
	if err != nil {
		return nil, d.other, err
	}
	r, err := u.measure(ctx, doors, sockets[guessRole:])
	return r, d.other, err
}

// door is a socket and its mapping.
type door struct {
	*socket
	mapped
}

// knock opens a mapping for each socket, one after the other.
func (u *udpProbe) knock(ctx context.Context, sockets []*socket) ([]door, error) {
	var doors []door
	for _, s := range sockets {
		r, err := u.observe(ctx, s, u.server.primary())
		if err != nil {
			return nil, err
		}
		doors = append(doors, door{s, mapped{s.address(), r.observed}})
	}
	return doors, nil
}

// measure makes all tests and concludes from them.
func (u *udpProbe) measure(ctx context.Context, doors []door, others []*socket) (*UDP, error) {
	t, err := u.test(ctx, doors, others)
	if err != nil {
		return nil, err
	}
	r := &UDP{Behaviour: Behaviour{Local: doors[mappingRole].local, Observations: t.observations}}
	r.conclude(t.filtering)
	if r.NAT {
		var all []mapped
		for _, d := range doors {
			all = append(all, d.mapped)
		}
		r.Ports = portsOf(all)
		r.Hairpin = t.hairpinned.conclude(r.Behaviour)
	}
	if u.Search == nil || !r.NAT && r.Filtering == FilterEndpointIndependent {
		return r, nil // what is neither translated nor filtered has no lifetime
	}
	r.Lifetime, err = u.search(ctx)
	return r, err
}

// tests is what the tests found.
type tests struct {
	observations []Observation
	filtering    Filtering
	hairpinned   hairpinned
}

// test makes all tests at a time, each on sockets of its own.
func (u *udpProbe) test(ctx context.Context, doors []door, others []*socket) (tests, error) {
	var t tests
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		t.observations, err = u.mapping(ctx, doors[mappingRole])
		return err
	})
	g.Go(func() (err error) {
		t.filtering, err = u.filtering(ctx, doors[filteringRole])
		return err
	})
	g.Go(func() (err error) {
		t.hairpinned, err = u.hairpin(ctx, doors[hairpinRole:], others)
		return err
	})
	err := g.Wait()
	return t, err
}

// mapping asks the other addresses from the socket that has asked the primary one (RFC
// 5780 section 4.3).
func (u *udpProbe) mapping(ctx context.Context, d door) ([]Observation, error) {
	o := []Observation{{By: u.server.primary(), Observed: d.observed}}
	for _, by := range u.server.observers()[1:] {
		r, err := u.observe(ctx, d.socket, by)
		if err != nil {
			return nil, fmt.Errorf("%w (an address that %v tells of: is it routed?)", err, u.server.primary())
		}
		o = append(o, Observation{By: by, Observed: r.observed})
	}
	return o, nil
}

// observe asks who must answer.
func (u *udpProbe) observe(ctx context.Context, s *socket, by netip.AddrPort) (reply, error) {
	r, err := s.ask(ctx, u.patience, question{to: by, from: by})
	if errors.Is(err, errSilence) {
		err = fmt.Errorf("%w from %v over UDP within %v", err, by, u.patience.total())
	}
	return r, err
}

// filtering asks the primary address for answers from elsewhere (RFC 5780 section
// 4.4), both questions at a time: neither opens a door to who answers it.
func (u *udpProbe) filtering(ctx context.Context, d door) (Filtering, error) {
	var both, port bool
	g, asking := errgroup.WithContext(ctx)
	for change, in := range map[stunserver.ChangeRequest]*bool{changeBoth: &both, changePort: &port} {
		g.Go(func() (err error) {
			*in, err = u.comesIn(asking, d, change)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	if both && port {
		return filteringOf(both, port), nil
	}
	// Silence may also mean that the server is gone, or the mapping.
	r, err := u.observe(ctx, d.socket, u.server.primary())
	if err != nil {
		return "", err
	}
	if r.observed != d.observed {
		return "", fmt.Errorf("the mapping of %v changed from %v to %v in the middle of the test; try again", d.local, d.observed, r.observed)
	}
	return filteringOf(both, port), nil
}

// comesIn reports whether an answer from elsewhere comes in.
func (u *udpProbe) comesIn(ctx context.Context, d door, c stunserver.ChangeRequest) (bool, error) {
	_, err := d.ask(ctx, u.quiet, question{to: u.server.primary(), from: u.server.after(c), set: []stun.Setter{c}})
	if errors.Is(err, errSilence) {
		return false, nil
	}
	return err == nil, err
}
