package portmap

import (
	"errors"
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// How long a client is told to take an error for granted, in seconds (RFC 6887,
// section 7.4): what others take may be free soon.
const (
	pcpLongError  = 30 * 60
	pcpShortError = 30
)

// answerPCP answers a request of PCP from a host.
func (s *Server) answerPCP(b []byte, from netip.AddrPort) ([]byte, error) {
	r, err := parsePCPRequest(b)
	if errors.Is(err, errNotRequest) {
		return nil, err
	}
	a := pcpResponse{opcode: r.opcode}
	if err == nil {
		a, err = s.grantPCP(r, from)
	}
	a.epoch = s.leases.seconds()
	if err == nil {
		return a.append(nil), nil
	}
	fault := pcpCode(err)
	s.journal.refused(byPCP, from, fault)
	a.result = uint8(fault)
	if a.lifetime == 0 {
		a.lifetime = fault.lasts()
	}
	return a.appendError(nil, b), nil
}

// grantPCP does what a readable request asks. With an error, the answer's lifetime is
// that of the lease in the way, if there is one.
func (s *Server) grantPCP(r pcpRequest, from netip.AddrPort) (pcpResponse, error) {
	a := pcpResponse{opcode: r.opcode}
	if r.client != from.Addr() {
		return a, pcpFault(pcpAddressMismatch) // a NAT between us (RFC 6887, section 8.1)
	}
	w, kept, err := pcpWish(r, from.Addr())
	if err != nil || r.opcode == pcpAnnounce {
		return a, err
	}
	a.mapping, a.options = r.mapping, kept
	if r.lifetime == 0 {
		return a, s.leases.end(w.protocol, w.inside, w.owner)
	}
	if w.protocol == 0 || w.inside.Port() == 0 {
		return a, errProtocol // all ports of a host: not here
	}
	l, err := s.leases.grant(w)
	a.lifetime = l.left(time.Now())
	if err == nil {
		a.mapping.outside, a.mapping.address = l.Outside.Port(), l.Outside.Addr()
	}
	return a, err
}

// pcpWish reads options and protocol. It returns the options that the answer names.
func pcpWish(r pcpRequest, host netip.Addr) (wish, []pcpOption, error) {
	w := wish{
		owner:    owner{nonce: r.mapping.nonce, by: byPCP},
		protocol: nat.Protocol(r.mapping.protocol),
		inside:   netip.AddrPortFrom(host, r.mapping.inside),
		outside:  r.mapping.outside,
		lifetime: seconds(r.lifetime),
	}
	var kept []pcpOption
	for _, o := range r.options {
		switch {
		case o.code >= pcpOptional:
		case o.code == pcpPreferFailure && r.opcode == pcpMap:
			// Valid in requests for a lease only, and without data (section 13.2).
			if len(o.data) > 0 || r.lifetime == 0 || w.exact {
				return w, nil, pcpFault(pcpMalformedOption)
			}
			w.exact, kept = true, append(kept, o)
		default:
			// THIRD_PARTY, too: who may open only its own ports has no use for it,
			// and this is the answer where it is prohibited (section 13.1).
			return w, nil, pcpFault(pcpUnsuppOption)
		}
	}
	if r.opcode != pcpMap {
		return w, nil, nil
	}
	switch {
	case w.protocol == 0 && w.inside.Port() != 0, w.exact && w.outside == 0:
		return w, nil, pcpFault(pcpMalformedRequest)
	case w.protocol != 0 && w.protocol != nat.TCP && w.protocol != nat.UDP:
		return w, nil, pcpFault(pcpUnsuppProtocol)
	}
	return w, kept, nil
}

// pcpCode is the result for a refusal.
func pcpCode(err error) pcpFault {
	var fault pcpFault
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.Is(err, errNotAuthorized):
		return pcpNotAuthorized
	case errors.Is(err, errQuota):
		return pcpUserExQuota
	case errors.Is(err, errTaken), errors.Is(err, errLowPort):
		return pcpCannotProvide
	case errors.Is(err, errProtocol):
		return pcpUnsuppProtocol
	case errors.Is(err, errNoResources):
		return pcpNoResources
	}
	return pcpNetworkFailure
}

// lasts is how long the fault is expected to, in seconds.
func (f pcpFault) lasts() uint32 {
	switch f {
	case pcpNetworkFailure, pcpNoResources, pcpUserExQuota, pcpCannotProvide:
		return pcpShortError
	}
	return pcpLongError
}
