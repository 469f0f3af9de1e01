package rendezvous

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// Type is the kind of a message.
type Type uint8

const (
	TypeHello     Type = 1 // asks for a cookie
	TypeChallenge Type = 2 // has it
	TypeRegister  Type = 3 // states who meets, and how far the client is
	TypeStatus    Type = 4 // states how far the meeting is
	TypeRefused   Type = 5 // says why there is none
)

const (
	magic      = "clr1" // not the first two bits of STUN, which may share the port (RFC 7983)
	headerSize = 20
	helloSize  = headerSize + 76 // at least as much as any answer to it

	// MaxMessage is the longest message, in bytes: it must pass as one datagram
	// through every path (RFC 8200 section 5, less the headers).
	MaxMessage = 1200

	// MaxOwn is how many addresses of its own a client can tell.
	MaxOwn = 8

	// MaxNote is the longest note, in bytes.
	MaxNote = 512
)

// ErrMalformed is what every error of a message that cannot be read is.
var ErrMalformed = errors.New("malformed message")

// Transaction is the random number by which a client knows the answers to it.
type Transaction [12]byte

// NewTransaction returns a fresh transaction ID.
func NewTransaction() Transaction {
	var t Transaction
	_, _ = rand.Read(t[:]) // never fails
	return t
}

// Message is one of Hello, Challenge, Register, Status and Refused.
type Message interface {
	kind() Type
	encode(w *writer)
	decode(r *reader)
}

// IsMessage reports whether b begins as a message does. Whatever else comes to the same
// socket is not one.
func IsMessage(b []byte) bool {
	return len(b) >= headerSize && string(b[:4]) == magic
}

// Append appends the message's bytes to b.
func Append(b []byte, t Transaction, m Message) []byte {
	begin := len(b)
	b = append(append(append(b, magic...), byte(m.kind()), 0, 0, 0), t[:]...)
	w := writer{b: b, mask: t}
	m.encode(&w)
	binary.BigEndian.PutUint16(w.b[begin+6:], uint16(len(w.b)-begin-headerSize))
	return w.b
}

// Size returns the length of a whole message, of whose first 20 bytes header is made.
func Size(header []byte) (int, error) {
	if !IsMessage(header) {
		return 0, fmt.Errorf("%w: it does not begin with %q", ErrMalformed, magic)
	}
	size := headerSize + int(binary.BigEndian.Uint16(header[6:]))
	if size > MaxMessage {
		return 0, fmt.Errorf("%w: %d bytes; %d are the most", ErrMalformed, size, MaxMessage)
	}
	return size, nil
}

// Parse reads one message, which b holds from its first byte to its last.
func Parse(b []byte) (Transaction, Message, error) {
	if len(b) < headerSize {
		return Transaction{}, nil, fmt.Errorf("%w: %d bytes; a header has %d", ErrMalformed, len(b), headerSize)
	}
	size, err := Size(b)
	if err != nil {
		return Transaction{}, nil, err
	}
	t := Transaction(b[8:headerSize])
	if size != len(b) {
		return t, nil, fmt.Errorf("%w: its length says %d bytes, and there are %d", ErrMalformed, size, len(b))
	}
	m := blank(Type(b[4]))
	if m == nil || b[5] != 0 {
		return t, nil, fmt.Errorf("%w: no such type %d %d", ErrMalformed, b[4], b[5])
	}
	r := reader{b: b[headerSize:], mask: t}
	m.decode(&r)
	if r.failed || len(r.b) > 0 {
		return t, nil, fmt.Errorf("%w: type %d with a body of %d bytes", ErrMalformed, b[4], size-headerSize)
	}
	if register, ok := m.(*Register); ok {
		register.signed = b[:len(b)-ed25519.SignatureSize]
	}
	return t, m, nil
}

func blank(t Type) Message {
	switch t {
	case TypeHello:
		return &Hello{}
	case TypeChallenge:
		return &Challenge{}
	case TypeRegister:
		return &Register{}
	case TypeStatus:
		return &Status{}
	case TypeRefused:
		return &Refused{}
	}
	return nil
}

// writer appends fields. Addresses are masked by the transaction ID, since there are
// NATs that translate whatever looks like an address (RFC 8489 section 14.2).
type writer struct {
	b    []byte
	mask Transaction
}

func (w *writer) byte(v byte)    { w.b = append(w.b, v) }
func (w *writer) bytes(v []byte) { w.b = append(w.b, v...) }

func (w *writer) addr(a netip.AddrPort) {
	ip := a.Addr().Unmap().AsSlice() // none for the zero Addr
	w.byte(byte(len(ip)))
	w.b = binary.BigEndian.AppendUint16(w.b, a.Port()^binary.BigEndian.Uint16(w.mask[:]))
	for i, v := range ip {
		w.byte(v ^ w.mask[i%len(w.mask)])
	}
}

func (w *writer) addrs(list []netip.AddrPort) {
	w.byte(byte(len(list)))
	for _, a := range list {
		w.addr(a)
	}
}

func (w *writer) note(v []byte) {
	w.b = binary.BigEndian.AppendUint16(w.b, uint16(len(v)))
	w.bytes(v)
}

// reader takes fields off b. After the first that is not there it only fails.
type reader struct {
	b      []byte
	mask   Transaction
	failed bool
}

// take returns the next n bytes, which are zero if they are not there.
func (r *reader) take(n int) []byte {
	if r.failed || len(r.b) < n {
		r.failed = true
		return make([]byte, n)
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte { return r.take(1)[0] }

func (r *reader) addr() netip.AddrPort {
	n := int(r.byte())
	if n != 0 && n != 4 && n != 16 {
		r.failed = true
		return netip.AddrPort{}
	}
	port := binary.BigEndian.Uint16(r.take(2)) ^ binary.BigEndian.Uint16(r.mask[:])
	ip := append([]byte(nil), r.take(n)...)
	for i := range ip {
		ip[i] ^= r.mask[i%len(r.mask)]
	}
	a, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(a.Unmap(), port)
}

func (r *reader) addrs() []netip.AddrPort {
	n := int(r.byte())
	if n > MaxOwn {
		r.failed = true
		return nil
	}
	var list []netip.AddrPort
	for range n {
		list = append(list, r.addr())
	}
	return list
}

func (r *reader) note() []byte {
	n := int(binary.BigEndian.Uint16(r.take(2)))
	if n > MaxNote {
		r.failed = true
		return nil
	}
	return append([]byte(nil), r.take(n)...)
}
