package portmap

import (
	"errors"
	"net/netip"
	"time"
)

// answerPMP answers a request of NAT-PMP from a host.
func (s *Server) answerPMP(b []byte, from netip.AddrPort) ([]byte, error) {
	r, err := parsePMPRequest(b)
	if errors.Is(err, errNotRequest) {
		return nil, err
	}
	a := pmpResponse{opcode: r.opcode, inside: r.inside}
	switch {
	case err != nil:
		// RFC 6886 has no result for it; silence would have the client ask again.
		return nil, err
	case r.opcode == pmpAddress:
		a.address, err = s.leases.outside()
	case r.opcode > pmpTCP:
		err = &Refused{pmpResults[pmpUnsupportedOpcode].name, pmpUnsupportedOpcode, "no such request"}
	case r.lifetime == 0:
		err = s.leases.end(r.protocol(), netip.AddrPortFrom(from.Addr(), r.inside), owner{by: byPMP})
	default:
		a, err = s.grantPMP(r, from.Addr())
	}
	a.epoch = s.leases.seconds()
	if err != nil {
		a.result = pmpCode(err)
		s.journal.refused(byPMP, from, err)
	}
	return a.append(nil), nil
}

func (s *Server) grantPMP(r pmpRequest, host netip.Addr) (pmpResponse, error) {
	a := pmpResponse{opcode: r.opcode, inside: r.inside}
	if r.inside == 0 {
		return a, errProtocol
	}
	l, err := s.leases.grant(wish{
		owner:    owner{by: byPMP},
		protocol: r.protocol(),
		inside:   netip.AddrPortFrom(host, r.inside),
		outside:  r.outside,
		lifetime: seconds(r.lifetime),
	})
	if err == nil {
		a.outside, a.lifetime = l.Outside.Port(), l.left(time.Now())
	}
	return a, err
}

// pmpCode is the number of a refusal.
func pmpCode(err error) uint16 {
	var r *Refused
	switch {
	case errors.As(err, &r):
		return uint16(r.Code)
	case errors.Is(err, errNotAuthorized), errors.Is(err, errProtocol):
		return pmpNotAuthorized
	case errors.Is(err, errNetwork):
		return pmpNetworkFailure
	}
	return pmpOutOfResources
}

// seconds is a lifetime of a message; a uint32 of seconds is no overflow.
func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
