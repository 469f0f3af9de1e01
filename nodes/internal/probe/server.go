package probe

import (
	"fmt"
	"net/netip"

	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// server is a STUN server's transport addresses: by address, then by port, each 0 for
// the one that was asked and 1 for the other.
type server [2][2]netip.AddrPort

// newServer works them out from the one that was asked and its OTHER-ADDRESS.
func newServer(asked, other netip.AddrPort) (server, error) {
	switch {
	case !other.IsValid():
		return server{}, fmt.Errorf("%v has no second address (no OTHER-ADDRESS in its answer), so it cannot tell mapping and filtering; start it as: server stun --primary %v --alternate IP:PORT", asked, asked)
	case other.Addr().Is4() != asked.Addr().Is4(), other.Addr() == asked.Addr(), other.Port() == asked.Port(),
		other.Addr().IsUnspecified(), other.Port() == 0:
		return server{}, fmt.Errorf("%v tells of the other address %v, of no use beside its own: both address and port must differ", asked, other)
	}
	return server{
		{asked, netip.AddrPortFrom(asked.Addr(), other.Port())},
		{netip.AddrPortFrom(other.Addr(), asked.Port()), other},
	}, nil
}

func (s server) primary() netip.AddrPort { return s[0][0] }

// after is from where an answer to a request to the primary address comes.
func (s server) after(c stunserver.ChangeRequest) netip.AddrPort {
	i, j := 0, 0
	if c.Addr {
		i = 1
	}
	if c.Port {
		j = 1
	}
	return s[i][j]
}

// elsewhere tells whether a connection comes from where a change asks for: from another
// port of that address, too, since the server tries again from others.
func (s server) elsewhere(from netip.AddrPort, c stunserver.ChangeRequest) bool {
	return from.Addr() == s.after(c).Addr() && from.Port() != s.primary().Port()
}

// observers are asked for the mapping, in this order (RFC 5780 section 4.3).
func (s server) observers() []netip.AddrPort {
	return []netip.AddrPort{s[0][0], s[1][0], s[1][1]}
}

// The questions of the filtering test (RFC 5780 section 4.4).
var (
	changeBoth = stunserver.ChangeRequest{Addr: true, Port: true}
	changePort = stunserver.ChangeRequest{Port: true}
)

// filteringOf concludes from which answers came in.
func filteringOf(both, port bool) Filtering {
	switch {
	case both:
		return FilterEndpointIndependent
	case port:
		return FilterAddressDependent
	}
	return FilterAddressAndPortDependent
}
