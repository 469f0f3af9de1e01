package nat

import (
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Where the addresses and ports are in a packet's headers.
func source(r uint32) words      { return network(r, 12, 4) }
func destination(r uint32) words { return network(r, 16, 4) }

func sourcePort(p Protocol, r uint32) words {
	if p == ICMP {
		return transport(r, 4, 2) // the query's identifier
	}
	return transport(r, 0, 2)
}

func destinationPort(p Protocol, r uint32) words {
	if p == ICMP {
		return transport(r, 4, 2)
	}
	return transport(r, 2, 2)
}

// insideKey loads the key of a packet's mapping, of a packet from inside that is
// not yet translated.
func (b builder) insideKey(p Protocol) words {
	w := say(protocol(0), source(1), sourcePort(p, 2))
	if b.remoteWords() > 0 {
		w = say(w, destination(3))
	}
	if b.remoteWords() > 1 {
		w = say(w, destinationPort(p, 4))
	}
	return w
}

// originKey loads the whole of what setOrigin notes: the longest inside key there
// is, of which a mapping's own is the beginning.
func (b builder) originKey(p Protocol) words {
	return say(source(1), sourcePort(p, 2), destination(3), destinationPort(p, 4))
}

// insideKeyBack loads the same for a packet from outside whose destination is
// translated back.
func (b builder) insideKeyBack() words {
	w := say(protocol(0), destination(1), destinationPort(TCP, 2))
	if b.remoteWords() > 0 {
		w = say(w, source(3))
	}
	if b.remoteWords() > 1 {
		w = say(w, sourcePort(TCP, 4))
	}
	return w
}

// chosenKey loads the outside endpoint that was chosen for a new flow from inside.
func (b builder) chosenKey() words {
	return say(protocol(8), b.outsideAddr(9), ct(10, expr.CtKeyMARK))
}

// sourceKey loads the outside endpoint from a packet whose source is translated.
func sourceKey(p Protocol) words { return say(protocol(8), source(9), sourcePort(p, 10)) }

// destinationKey loads the outside endpoint from a packet that was sent to it.
func destinationKey() words { return say(protocol(8), destination(9), destinationPort(UDP, 10)) }

// outsideAddr loads the outside address that a packet's inside source is paired
// with (RFC 4787 REQ-2).
func (b builder) outsideAddr(r uint32) words {
	if len(b.OutsideAddrs) == 1 {
		return constant(r, b.OutsideAddrs[0].AsSlice())
	}
	return say(source(r), words{&expr.Hash{
		SourceRegister: reg(r), DestRegister: reg(r), Length: 4,
		Modulus: uint32(len(b.OutsideAddrs)), Seed: 1, Type: unix.NFT_HASH_JENKINS,
	}}, get(setPool, r, r))
}

// isOutsideAddr matches one of the outside addresses.
func (b builder) isOutsideAddr(load func(r uint32) words) words {
	if len(b.OutsideAddrs) == 1 {
		return say(load(scratch), compare(expr.CmpOpEq, scratch, b.OutsideAddrs[0].AsSlice()))
	}
	return say(load(scratch), in(setOutside, scratch))
}
