// Package observe lets a client learn under which transport address the other end
// of this very connection sees it, its reflexive transport address: through every
// NAT and relay on the way.
//
// The question is a STUN Binding request (RFC 8489) without attributes, the answer
// a Binding success response with XOR-MAPPED-ADDRESS. Both travel on the
// connection itself, between the bytes of the service that runs on it, so the
// answer is about that connection and no other. A server tells the question from
// data as RFC 7983 tells STUN from what shares a socket with it, but stricter: it
// is exactly 20 bytes, which arrive as one chunk.
package observe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/pion/stun/v3"
)

// headerSize is the length of a STUN header (RFC 8489 section 5), and of a request.
const headerSize = 20

// IsRequest reports whether b is the question: one STUN Binding request without
// attributes and nothing else.
func IsRequest(b []byte) bool {
	return len(b) == headerSize &&
		stun.IsMessage(b) && // the magic cookie
		binary.BigEndian.Uint16(b) == stun.BindingRequest.Value() &&
		binary.BigEndian.Uint16(b[2:]) == 0
}

// Response returns the answer to request: seen is where it came from.
func Response(request []byte, seen netip.AddrPort) ([]byte, error) {
	if !IsRequest(request) {
		return nil, errors.New("not a Binding request")
	}
	m, err := stun.Build(
		stun.NewTransactionIDSetter([stun.TransactionIDSize]byte(request[8:headerSize])),
		stun.BindingSuccess,
		&stun.XORMappedAddress{IP: seen.Addr().Unmap().AsSlice(), Port: int(seen.Port())},
	)
	if err != nil {
		return nil, fmt.Errorf("build Binding response: %w", err)
	}
	return m.Raw, nil
}

// newRequest returns a question with a transaction ID of its own.
func newRequest() ([]byte, error) {
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return nil, fmt.Errorf("build Binding request: %w", err)
	}
	return m.Raw, nil
}

// answers reports whether b begins as the answer to request does: a Binding
// success response with the same transaction ID.
func answers(b, request []byte) bool {
	return IsAnswer(b) &&
		[stun.TransactionIDSize]byte(b[8:headerSize]) == [stun.TransactionIDSize]byte(request[8:headerSize])
}

// IsAnswer reports whether b is the answer to some question.
func IsAnswer(b []byte) bool {
	return len(b) >= headerSize && stun.IsMessage(b) && binary.BigEndian.Uint16(b) == stun.BindingSuccess.Value()
}

// mapped returns the address that a response tells.
func mapped(response []byte) (netip.AddrPort, error) {
	m := stun.New()
	m.Raw = response
	if err := m.Decode(); err != nil {
		return netip.AddrPort{}, fmt.Errorf("malformed STUN response: %w", err)
	}
	var x stun.XORMappedAddress
	if err := x.GetFrom(m); err != nil {
		return netip.AddrPort{}, fmt.Errorf("STUN response without a usable XOR-MAPPED-ADDRESS: %w", err)
	}
	return addrPort(x.IP, x.Port)
}

func addrPort(ip net.IP, port int) (netip.AddrPort, error) {
	a, ok := netip.AddrFromSlice(ip)
	if !ok || port < 0 || port > 0xffff {
		return netip.AddrPort{}, fmt.Errorf("STUN response tells no address: %v port %d", ip, port)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(port)), nil
}
