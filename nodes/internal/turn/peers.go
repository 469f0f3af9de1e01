package turn

import (
	"fmt"
	"net/netip"

	"github.com/crosslan/crosslan/nodes/internal/rules"
)

// Peers says which addresses may be peers. A relay stands where its clients do not:
// what it can reach and they cannot, first of all its own host, must not become
// theirs by way of it (RFC 8656 section 21.4; CVE-2020-26262, CVE-2026-27624).
//
// A permission is for an address and all its ports (RFC 8656 section 9), so no rule is
// about a port.
type Peers struct{ rules.List }

// check says what cannot be.
func (p *Peers) checkRules() error {
	for _, r := range p.Rules {
		if r.Port != 0 {
			return fmt.Errorf("--%v: a permission of TURN is for every port; leave the port out", r)
		}
	}
	return nil
}

// withPublic has the address that clients are told count as the relay's own, where it
// is on no interface of this node.
func (p Peers) withPublic(public netip.Addr) Peers {
	own := p.Own
	if own == nil {
		own = rules.Own
	}
	p.Own = func(a netip.Addr) (bool, error) {
		if a == public {
			return true, nil
		}
		return own(a)
	}
	return p
}

// Check says why a may not be a peer, or nil. An address of the relay itself may be one
// as a relayed transport address, so that two clients of one relay can talk, and
// reach nothing else on it.
func (p Peers) check(a netip.AddrPort, relayed bool) error {
	if relayed {
		p.Own = func(netip.Addr) (bool, error) { return false, nil }
	}
	return p.List.Check(a)
}
