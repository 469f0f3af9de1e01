package stun

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pion/stun/v3"
)

// HeaderSize is the length of a STUN message's header (RFC 8489 section 5).
const HeaderSize = 20

var (
	// errMalformed is about bytes that are no STUN message.
	errMalformed = errors.New("malformed")

	// errUnexpected is about a message that a server does not answer.
	errUnexpected = errors.New("unexpected")
)

// Parse reads one message. A FINGERPRINT that it has must be right (RFC 8489 section
// 14.7).
func Parse(b []byte) (*stun.Message, error) {
	size, err := Size(b)
	if err != nil {
		return nil, err
	}
	if len(b) != size {
		return nil, fmt.Errorf("%w: %d bytes, and a header that tells of %d", errMalformed, len(b), size)
	}
	m := &stun.Message{Raw: b}
	if err := m.Decode(); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if m.Contains(stun.AttrFingerprint) {
		if err := stun.Fingerprint.Check(m); err != nil {
			return nil, fmt.Errorf("%w: wrong FINGERPRINT", errMalformed)
		}
	}
	return m, nil
}

// Size is the length of the message that begins with b, a whole header at least. An
// error says that no message begins so.
func Size(b []byte) (int, error) {
	if len(b) < HeaderSize {
		return 0, fmt.Errorf("%w: %d bytes are no STUN header", errMalformed, len(b))
	}
	length := int(binary.BigEndian.Uint16(b[2:]))
	// RFC 8489 section 6.3: the first two bits are zero, the cookie is right, and the
	// length makes sense.
	if !stun.IsMessage(b) || b[0]&0xc0 != 0 || length%4 != 0 {
		return 0, fmt.Errorf("%w: not a STUN header", errMalformed)
	}
	return HeaderSize + length, nil
}

// request is a Binding request.
type request struct {
	*stun.Message

	change       ChangeRequest
	responsePort ResponsePort // 0: none
	padding      int          // length of PADDING's value; -1: none
	unknown      stun.UnknownAttributes
	fault        error // what is wrong with the attributes: 400
}

// parseRequest reads a Binding request and what it asks for.
func parseRequest(b []byte) (request, error) {
	m, err := Parse(b)
	if err != nil {
		return request{}, err
	}
	if m.Type != stun.BindingRequest {
		// RFC 8489 section 6.3: a method or class that is not supported is dropped in
		// silence.
		return request{}, fmt.Errorf("%w: %v", errUnexpected, m.Type)
	}
	m.Attributes = vouched(m.Attributes)
	r := request{Message: m, padding: -1}
	for _, a := range m.Attributes {
		if a.Type.Required() && !known[a.Type] {
			r.unknown = append(r.unknown, a.Type)
		}
	}
	if v, err := m.Get(stun.AttrPadding); err == nil {
		r.padding = len(v)
	}
	r.fault = errors.Join(optional(r.change.GetFrom(m)), optional(r.responsePort.GetFrom(m)))
	switch {
	case r.fault != nil:
	case r.padding > maxPadding:
		r.fault = fmt.Errorf("PADDING of %d bytes", r.padding)
	case r.padding >= 0 && r.responsePort != 0:
		r.fault = errors.New("PADDING beside RESPONSE-PORT") // RFC 5780 section 6.1
	}
	return r, nil
}

// maxPadding leaves room for the other attributes of a response.
const maxPadding = 64000

// vouched leaves out what follows MESSAGE-INTEGRITY, and is to be ignored, but for the
// two attributes that may (RFC 8489 sections 14.5 and 14.6).
func vouched(all stun.Attributes) stun.Attributes {
	end := false
	var kept stun.Attributes
	for _, a := range all {
		if !end || a.Type == stun.AttrMessageIntegritySHA256 || a.Type == stun.AttrFingerprint {
			kept = append(kept, a)
		}
		end = end || a.Type == stun.AttrMessageIntegrity || a.Type == stun.AttrMessageIntegritySHA256
	}
	return kept
}

// known are the comprehension-required attributes that the server understands, or
// knows and may ignore in a Binding request (RFC 8489 section 6.3).
var known = map[stun.AttrType]bool{
	stun.AttrMappedAddress:          true,
	stun.AttrUsername:               true,
	stun.AttrMessageIntegrity:       true,
	stun.AttrErrorCode:              true,
	stun.AttrUnknownAttributes:      true,
	stun.AttrRealm:                  true,
	stun.AttrNonce:                  true,
	stun.AttrMessageIntegritySHA256: true,
	stun.AttrPasswordAlgorithm:      true,
	stun.AttrUserhash:               true,
	stun.AttrXORMappedAddress:       true,
	stun.AttrChangeRequest:          true,
	stun.AttrPadding:                true,
	stun.AttrResponsePort:           true,
}

// optional is err, but for an attribute that is not there.
func optional(err error) error {
	if errors.Is(err, stun.ErrAttributeNotFound) {
		return nil
	}
	return err
}
