package rendezvous

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// CookieSize is the length of a cookie in bytes.
const CookieSize = 24

// Cookie is what a server sends to a transport address to see that somebody is there.
type Cookie [CookieSize]byte

// Hello asks for a cookie. It is padded to the size of the longest answer.
type Hello struct{ ID ID }

func (*Hello) kind() Type { return TypeHello }

func (m *Hello) encode(w *writer) {
	w.bytes(m.ID[:])
	w.bytes(make([]byte, helloSize-headerSize-len(m.ID)))
}

func (m *Hello) decode(r *reader) {
	copy(m.ID[:], r.take(len(m.ID)))
	r.take(helloSize - headerSize - len(m.ID))
}

// Challenge answers a Hello, and a Register whose cookie has gone stale.
type Challenge struct {
	Cookie   Cookie
	Observed netip.AddrPort // where the request came from
}

func (*Challenge) kind() Type { return TypeChallenge }

func (m *Challenge) encode(w *writer) {
	w.bytes(m.Cookie[:])
	w.addr(m.Observed)
}

func (m *Challenge) decode(r *reader) {
	copy(m.Cookie[:], r.take(len(m.Cookie)))
	m.Observed = r.addr()
}

// State is how far a client is. It only grows.
type State uint8

const (
	StateWaiting State = 0 // it knows of no peer
	StateTold    State = 1 // it knows its peer, and tries
	StateFailed  State = 2 // it has made all its tries, and there is no direct path so far
	StateDirect  State = 3 // there is a direct path
	StateLeft    State = 4 // it leaves the meeting
	lastState          = StateLeft
)

var states = [...]string{"waiting", "told", "failed", "direct", "left"}

// String returns the state's name.
func (s State) String() string {
	if int(s) >= len(states) {
		return fmt.Sprintf("state %d", uint8(s))
	}
	return states[s]
}

func (r *reader) state() State {
	s := State(r.byte())
	if s > lastState {
		r.failed = true
	}
	return s
}

// Register says that a client is there, for which meeting, and how far it is.
type Register struct {
	ID     ID
	Cookie Cookie
	Nonce  Nonce // the client's own
	Peer   Nonce // its peer's, as soon as it knows one: it takes no other
	State  State
	Own    []netip.AddrPort // the client's own addresses, as getsockname tells them
	Note   []byte           // for the peer

	signature [ed25519.SignatureSize]byte
	signed    []byte // what the signature is of, as it came
}

func (*Register) kind() Type { return TypeRegister }

func (m *Register) encode(w *writer) {
	w.bytes(m.ID[:])
	w.bytes(m.Cookie[:])
	w.bytes(m.Nonce[:])
	w.bytes(m.Peer[:])
	w.byte(byte(m.State))
	w.addrs(m.Own)
	w.note(m.Note)
	w.bytes(m.signature[:])
}

func (m *Register) decode(r *reader) {
	copy(m.ID[:], r.take(len(m.ID)))
	copy(m.Cookie[:], r.take(len(m.Cookie)))
	copy(m.Nonce[:], r.take(len(m.Nonce)))
	copy(m.Peer[:], r.take(len(m.Peer)))
	m.State = r.state()
	m.Own = r.addrs()
	m.Note = r.note()
	copy(m.signature[:], r.take(len(m.signature)))
}

// sign returns the bytes of m, signed with the key of its meeting.
func (m *Register) sign(t Transaction, key ed25519.PrivateKey) []byte {
	b := Append(nil, t, m)
	rest := b[:len(b)-ed25519.SignatureSize]
	return append(rest, ed25519.Sign(key, rest)...)
}

// isSigned reports whether a holder of the token wrote m.
func (m *Register) isSigned() bool {
	return ed25519.Verify(m.ID[:], m.signed, m.signature[:])
}

// Decision is the server's word on how two peers go on, so that both go on alike.
type Decision uint8

const (
	Undecided    Decision = 0
	Direct       Decision = 1 // one of them has a direct path, and so both have
	NotDirect    Decision = 2 // both have made all their tries in vain
	lastDecision          = NotDirect
)

// Status answers a Register, and comes unasked when something has changed.
type Status struct {
	Observed netip.AddrPort // the client's own address as the server sees it
	State    State          // the client's own, as far as the server knows
	Lifetime time.Duration  // the server forgets who is silent for so long; whole milliseconds
	Decision Decision
	Peer     *Peer // nil while the client waits
}

// Peer is what a client learns of the other one.
type Peer struct {
	Nonce    Nonce
	State    State
	Observed netip.AddrPort
	Own      []netip.AddrPort
	Note     []byte
}

func (*Status) kind() Type { return TypeStatus }

func (m *Status) encode(w *writer) {
	w.addr(m.Observed)
	w.byte(byte(m.State))
	w.b = binary.BigEndian.AppendUint32(w.b, uint32(min(m.Lifetime.Milliseconds(), math.MaxUint32)))
	w.byte(byte(m.Decision))
	if m.Peer == nil {
		w.byte(0)
		return
	}
	w.byte(1)
	w.bytes(m.Peer.Nonce[:])
	w.byte(byte(m.Peer.State))
	w.addr(m.Peer.Observed)
	w.addrs(m.Peer.Own)
	w.note(m.Peer.Note)
}

func (m *Status) decode(r *reader) {
	m.Observed = r.addr()
	m.State = r.state()
	m.Lifetime = time.Duration(binary.BigEndian.Uint32(r.take(4))) * time.Millisecond
	m.Decision = Decision(r.byte())
	peers := r.byte()
	if m.Decision > lastDecision || peers > 1 {
		r.failed = true
	}
	if peers != 1 {
		return
	}
	m.Peer = &Peer{}
	copy(m.Peer.Nonce[:], r.take(len(m.Peer.Nonce)))
	m.Peer.State = r.state()
	m.Peer.Observed = r.addr()
	m.Peer.Own = r.addrs()
	m.Peer.Note = r.note()
}

// Reason is why a server refuses.
type Reason uint8

const (
	ReasonInUse     Reason = 1 // two others meet with this token
	ReasonFull      Reason = 2 // the server has as many clients as it takes
	ReasonSource    Reason = 3 // too many clients have this address
	ReasonMalformed Reason = 4 // the message cannot be read
	ReasonForged    Reason = 5 // it is not signed by a holder of the token
	lastReason             = ReasonForged
)

var reasons = [...]string{
	ReasonInUse:     "the token is in use by two others",
	ReasonFull:      "the server has as many clients as it takes",
	ReasonSource:    "too many clients come from this address",
	ReasonMalformed: "the message is malformed",
	ReasonForged:    "the registration is not signed with the token",
}

// String says it in words.
func (r Reason) String() string {
	if r == 0 || r > lastReason {
		return fmt.Sprintf("reason %d", uint8(r))
	}
	return reasons[r]
}

// Refused answers what the server does not take.
type Refused struct{ Reason Reason }

func (*Refused) kind() Type         { return TypeRefused }
func (m *Refused) encode(w *writer) { w.byte(byte(m.Reason)) }

func (m *Refused) decode(r *reader) {
	if m.Reason = Reason(r.byte()); m.Reason == 0 || m.Reason > lastReason {
		r.failed = true
	}
}
