package rendezvous

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Times of a Guest.
const (
	firstRetry = 250 * time.Millisecond // and twice as long after each (RFC 8489 section 6.2.1)
	lastRetry  = 2 * time.Second
	refresh    = time.Second // of a guest that waits for another

	// challenges is how many in a row a server may send for one request to be made
	// again at once; beyond, it waits for its time.
	challenges = 3
)

// RefusedError is a server's refusal.
type RefusedError struct{ Reason Reason }

func (e *RefusedError) Error() string { return e.Reason.String() }

// Guest is a client's side of a meeting: what to send to the server, and what its
// answers mean. It neither sends nor receives by itself, and one goroutine uses it.
type Guest struct {
	token       Token
	transaction Transaction
	register    Register
	cookie      bool // register has one
	retry       time.Duration
	challenged  int

	observed netip.AddrPort
	status   Status
	answered bool // the server has answered at all
	known    bool // the server knows the present state
	failed   bool // StateFailed was a state of this side
}

// NewGuest returns a client that is to meet the other holder of token. It tells its own
// addresses and a note, of at most MaxOwn and MaxNote.
func NewGuest(token Token, own []netip.AddrPort, note []byte) (*Guest, error) {
	if len(own) > MaxOwn || len(note) > MaxNote {
		return nil, fmt.Errorf("%d addresses and a note of %d bytes; %d and %d are the most", len(own), len(note), MaxOwn, MaxNote)
	}
	return &Guest{
		token:       token,
		transaction: NewTransaction(),
		register:    Register{ID: token.ID, Nonce: NewNonce(), Own: own, Note: note},
		retry:       firstRetry,
	}, nil
}

// Nonce is this side's.
func (g *Guest) Nonce() Nonce { return g.register.Nonce }

// State is how far this side is.
func (g *Guest) State() State { return g.register.State }

// Set takes this side further. A state that it has passed changes nothing. It reports
// whether there is something to tell the server: then Request is due.
func (g *Guest) Set(s State) bool {
	if s <= g.register.State {
		return false
	}
	g.register.State, g.known, g.retry = s, false, firstRetry
	g.failed = g.failed || s == StateFailed
	return true
}

// Status is the last that the server said.
func (g *Guest) Status() Status { return g.status }

// Observed is this side's address as the server sees it; invalid until it has said so.
func (g *Guest) Observed() netip.AddrPort { return g.observed }

// Answered reports whether the server has answered at all.
func (g *Guest) Answered() bool { return g.answered }

// Known reports whether the server knows the present state.
func (g *Guest) Known() bool { return g.known }

// Forget makes the guest begin with a Hello again, as on a new connection.
func (g *Guest) Forget() { g.cookie, g.known, g.challenged, g.retry = false, false, 0, firstRetry }

// Request returns what is to be sent now, and after how long again, unless an answer
// says otherwise.
func (g *Guest) Request() ([]byte, time.Duration) {
	wait := g.retry
	if g.known {
		wait = g.refresh()
	} else {
		g.retry = min(2*g.retry, lastRetry)
	}
	g.challenged = 0
	return g.message(), wait
}

// refresh is how long the server need not hear of this side: three of them in its
// lifetime, since datagrams are lost; more often while it waits, to hear of the other.
func (g *Guest) refresh() time.Duration {
	third := g.status.Lifetime / 3
	switch {
	case third <= 0:
		return refresh
	case g.register.State >= StateFailed:
		return third
	}
	return min(third, refresh)
}

func (g *Guest) message() []byte {
	if !g.cookie {
		return Append(nil, g.transaction, &Hello{ID: g.register.ID})
	}
	return g.register.sign(g.transaction, g.token.private)
}

// Receive takes a message from the server's address. What is no answer to this guest
// changes nothing. If next is not empty it is to be sent at once. The error is a
// RefusedError, after which there is no meeting.
func (g *Guest) Receive(b []byte) (next []byte, err error) {
	t, m, err := Parse(b)
	if err != nil || t != g.transaction {
		return nil, nil
	}
	switch m := m.(type) {
	case *Challenge:
		g.answered, g.cookie, g.observed = true, true, m.Observed
		g.register.Cookie = m.Cookie
		if g.challenged++; g.challenged <= challenges {
			return g.message(), nil
		}
	case *Status:
		return g.receiveStatus(m), nil
	case *Refused:
		g.answered = true
		return nil, &RefusedError{m.Reason}
	}
	return nil, nil
}

// receiveStatus takes a status, unless it is of another peer or older than the last:
// datagrams may overtake each other, and states only grow.
func (g *Guest) receiveStatus(m *Status) (next []byte) {
	g.answered, g.challenged, g.observed = true, 0, m.Observed
	g.known = m.State >= g.register.State
	if m.Peer == nil {
		if g.status.Peer == nil {
			g.status = *m
		}
		return nil
	}
	if last := g.status.Peer; last != nil {
		if last.Nonce != m.Peer.Nonce {
			return nil
		}
		m.Peer.State = max(m.Peer.State, last.State)
		if g.status.Decision != Undecided {
			m.Decision = g.status.Decision
		}
	}
	g.status = *m
	if g.register.State == StateWaiting {
		g.register.Peer = m.Peer.Nonce
		g.Set(StateTold)
		return g.message()
	}
	return nil
}

// PeerKey returns the key by which this side and its peer know each other's packets.
func (g *Guest) PeerKey() ([]byte, error) {
	if g.status.Peer == nil {
		return nil, errors.New("there is no peer yet")
	}
	return g.token.PeerKey(g.register.Nonce, g.status.Peer.Nonce)
}

// Failed reports whether this side has said, at some time, that it has made all its
// tries in vain.
func (g *Guest) Failed() bool { return g.failed }
