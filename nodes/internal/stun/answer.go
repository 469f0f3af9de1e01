package stun

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/pion/stun/v3"
)

// software is what the server says it is (RFC 8489 section 14.14).
var software = stun.NewSoftware("crosslan")

// question is what came in.
type question struct {
	raw    []byte
	at     spot           // where it came to
	from   netip.AddrPort // the observed address of who asks
	stream bool           // over TCP
}

// answer is what goes out.
type answer struct {
	request
	message []byte
	from    spot           // where it is sent from
	to      netip.AddrPort // where it is sent to
	refusal string         // the error, for the log; empty in a success
}

// answer works out what to answer. An error means silence: errMalformed or
// errUnexpected.
func (c Config) answer(q question) (answer, error) {
	r, err := parseRequest(q.raw)
	if err != nil {
		return answer{}, err
	}
	if len(r.unknown) == 0 && !c.dual() && r.change != (ChangeRequest{}) {
		// RFC 5780 section 6.1: without another address the attribute is one that
		// the server does not understand.
		r.unknown = stun.UnknownAttributes{stun.AttrChangeRequest}
	}
	if r.fault == nil && q.stream && r.responsePort != 0 {
		r.fault = errors.New("RESPONSE-PORT over TCP")
	}
	switch {
	case len(r.unknown) > 0:
		return r.refuse(q, stun.CodeUnknownAttribute, r.unknown.String(), r.unknown)
	case r.fault != nil:
		return r.refuse(q, stun.CodeBadRequest, r.fault.Error())
	}
	return c.accept(r, q)
}

// accept answers with what was asked for.
func (c Config) accept(r request, q question) (answer, error) {
	a := answer{request: r, from: q.at.changed(r.change), to: q.from}
	if r.responsePort != 0 {
		a.to = netip.AddrPortFrom(q.from.Addr(), uint16(r.responsePort))
	}
	var err error
	a.message, err = c.success(r, q, c.at(a.from))
	return a, err
}

// success is a success response that is sent from origin.
func (c Config) success(r request, q question, origin netip.AddrPort) ([]byte, error) {
	ip, port := q.from.Addr().AsSlice(), int(q.from.Port())
	set := []stun.Setter{
		&stun.XORMappedAddress{IP: ip, Port: port},
		&stun.MappedAddress{IP: ip, Port: port}, // RFC 5780 section 6.1: both
	}
	// A wildcard does not say from which address the answer will go out, and only
	// RFC 5780 wants it told.
	if !origin.Addr().IsUnspecified() {
		set = append(set, &stun.ResponseOrigin{IP: origin.Addr().AsSlice(), Port: int(origin.Port())})
	}
	if c.dual() {
		other := c.at(q.at.changed(ChangeRequest{Addr: true, Port: true}))
		set = append(set, &stun.OtherAddress{IP: other.Addr().AsSlice(), Port: int(other.Port())})
	}
	if r.padding >= 0 {
		// As long as the client's own: a longer one, of the MTU as RFC 5780 would
		// have it, would let a small packet with a false source cause a big one.
		set = append(set, stun.RawAttribute{Type: stun.AttrPadding, Value: make([]byte, r.padding)})
	}
	return r.build(stun.BindingSuccess, set...)
}

// refuse is an error response, which goes back the way the question came.
func (r request) refuse(q question, code stun.ErrorCode, why string, more ...stun.Setter) (answer, error) {
	m, err := r.build(stun.BindingError, append([]stun.Setter{code}, more...)...)
	return answer{
		request: r, message: m, from: q.at, to: q.from,
		refusal: fmt.Sprintf("%d %s", code, why),
	}, err
}

// build makes a response to r. It has a FINGERPRINT if r has one.
func (r request) build(t stun.MessageType, set ...stun.Setter) ([]byte, error) {
	set = append([]stun.Setter{stun.NewTransactionIDSetter(r.TransactionID), t}, set...)
	set = append(set, software)
	if r.Contains(stun.AttrFingerprint) {
		set = append(set, stun.Fingerprint)
	}
	m, err := stun.Build(set...)
	if err != nil {
		return nil, fmt.Errorf("build Binding response: %w", err)
	}
	return m.Raw, nil
}
