package probe

import (
	"context"
	"net/netip"
	"slices"

	"github.com/pion/stun/v3"
)

// Hairpin is whether two inside sockets reach each other by their outside transport
// addresses, and as who (RFC 4787 section 6).
type Hairpin string

const (
	HairpinExternal Hairpin = "yes (external source)" // as REQ-9a wants it
	HairpinInternal Hairpin = "yes (internal source)"
	HairpinNo       Hairpin = "no"

	// HairpinUnknown is where the NAT's mapping and filtering keep two of its own
	// hosts apart even if it hairpins.
	HairpinUnknown Hairpin = "unknown (mapping and filtering hide it)"
)

// hairpinned is what came of two sockets sending to each other's outside address.
type hairpinned struct {
	known    *packet // by the addresses that the server observed
	guessed  *packet // by addresses that nobody has observed
	guessing bool    // whether guesses could be made
}

// conclude says what it means.
func (h hairpinned) conclude(b Behaviour) Hairpin {
	for _, p := range []*packet{h.known, h.guessed} {
		switch {
		case p == nil:
		case p.from.Addr() == b.Observed.Addr():
			return HairpinExternal
		default:
			return HairpinInternal
		}
	}
	// Silence says no where the two would have been let in.
	if b.Mapping == MapEndpointIndependent || b.Filtering == FilterEndpointIndependent || h.guessing {
		return HairpinNo
	}
	return HairpinUnknown
}

// hairpin lets two sockets send to each other, by the addresses that the server
// observed. Under endpoint-independent mapping that opens both doors, and under
// endpoint-independent filtering they are open.
//
// Under the other kinds each gets a new mapping towards the other, whose address
// nobody tells. Where ports are preserved it can be guessed, if the sockets have no
// other mapping yet; so some others, which have never sent, send to each other's own
// ports at the outside address. There are two pairs of them: another host may have the
// port of one.
func (u *udpProbe) hairpin(ctx context.Context, known []door, others []*socket) (hairpinned, error) {
	if known[0].local == known[0].observed {
		return hairpinned{}, nil // no NAT
	}
	pairs := slices.Clone(known)
	ports := portsOf([]mapped{known[0].mapped, known[1].mapped})
	h := hairpinned{guessing: ports == PortsPreserved || ports == PortsPartly}
	if h.guessing {
		outside := known[0].observed.Addr()
		for _, s := range others {
			guess := netip.AddrPortFrom(outside, s.address().Port())
			pairs = append(pairs, door{s, mapped{s.address(), guess}})
		}
	}
	var letters []letter
	for i, d := range pairs {
		m, err := newRequest()
		if err != nil {
			return h, err
		}
		letters = append(letters, letter{m, d, pairs[i^1].observed}) // to its neighbour
	}
	err := u.meet(ctx, &h, letters)
	return h, err
}

// letter is a message from one socket to another's outside address.
type letter struct {
	*stun.Message
	from door
	to   netip.AddrPort
}

// meet sends the letters until one arrives. The first two are between known
// addresses.
func (u *udpProbe) meet(ctx context.Context, h *hairpinned, letters []letter) error {
	var ids []transactionID
	for _, l := range letters {
		ids = append(ids, l.TransactionID)
	}
	messages, forget := u.inbox.expect(ids...)
	defer forget()
	got, err := u.quiet.exchange(ctx, messages, func() error {
		for _, l := range letters {
			// A NAT that does not hairpin may say so by ICMP, and a send then fails
			// with what the last one caused.
			_ = l.from.send(l.Message, l.to)
		}
		return nil
	})
	switch {
	case err == nil && (got.TransactionID == ids[0] || got.TransactionID == ids[1]):
		h.known = &got
	case err == nil:
		h.guessed = &got
	case ctx.Err() != nil:
		return err
	}
	return nil
}
