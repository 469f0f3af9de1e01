package rendezvous

import (
	"net/netip"
	"sync"
	"time"
)

// seat is one client of a meeting.
type seat struct {
	register *Register
	line     line
	observed netip.AddrPort // as the peer is told
	source   netip.Addr     // that it counts for
	seen     time.Time
}

// line is the way to a client.
type line interface {
	remote() netip.AddrPort
	send(m Message)
}

// meeting is one or two clients with the same token.
type meeting struct {
	seats    [2]*seat
	decision Decision
	known    bool // both know each other
	carried  bool // as a stream, whose end is the meeting's: no message comes from either any more
}

// find returns the client's place, or that of the first free seat; -1 if there is none.
func (m *meeting) find(r *Register) int {
	for i, s := range m.seats {
		if s != nil && s.register.Nonce == r.Nonce {
			return i
		}
	}
	for i, s := range m.seats {
		if s != nil {
			continue
		}
		if other := m.seats[1-i]; other != nil && !suit(other.register, r) {
			return -1
		}
		return i
	}
	return -1
}

// suit reports whether two may meet: who knows a peer already, from before the server
// was started anew, takes no other.
func suit(a, b *Register) bool {
	return (a.Peer == Nonce{} || a.Peer == b.Nonce) && (b.Peer == Nonce{} || b.Peer == a.Nonce)
}

// paired reports whether there are two.
func (m *meeting) paired() bool { return m.seats[0] != nil && m.seats[1] != nil }

// decide fixes how the two go on as soon as it is known, once for both.
func (m *meeting) decide() {
	if m.decision != Undecided || !m.paired() {
		return
	}
	a, b := m.seats[0].register.State, m.seats[1].register.State
	switch {
	case a == StateDirect || b == StateDirect:
		m.decision = Direct
	case a == StateFailed && b == StateFailed:
		m.decision = NotDirect
	}
}

// status is what the client in seat i is told.
func (t *meetings) status(m *meeting, i int) *Status {
	own, other := m.seats[i], m.seats[1-i]
	s := &Status{Observed: own.observed, State: own.register.State, Lifetime: t.limits.Lifetime, Decision: m.decision}
	if other != nil {
		s.Peer = &Peer{
			Nonce: other.register.Nonce, State: other.register.State,
			Observed: other.observed, Own: other.register.Own, Note: other.register.Note,
		}
	}
	return s
}

// meetings are all there are.
type meetings struct {
	limits Limits
	// paired, if it is not nil, is called when both of two know each other, with the
	// table locked.
	paired func(a, b line)
	// parted, likewise, when one of two has left or was forgotten.
	parted func(a, b line)

	journal *journal

	mu      sync.Mutex
	byID    map[ID]*meeting
	ended   map[Nonce]ending // what to tell the client with this nonce
	clients int
	sources map[netip.Addr]int
}

// ending is what is left of a meeting for the one who did not leave it.
type ending struct {
	status *Status
	at     time.Time
}

// Limits bound what a server keeps.
type Limits struct {
	Clients   int           // registered at once
	PerSource int           // of them from one IPv4 address, or one /64 of IPv6
	Lifetime  time.Duration // a client that is silent for so long is forgotten
}

// DefaultLimits are what a server has unless it is told otherwise.
func DefaultLimits() Limits {
	return Limits{Clients: 10000, PerSource: 256, Lifetime: 10 * time.Second}
}

func newMeetings(l Limits, j *journal) *meetings {
	return &meetings{limits: l, journal: j, byID: map[ID]*meeting{}, ended: map[Nonce]ending{}, sources: map[netip.Addr]int{}}
}

// register takes a registration, whose cookie and signature are good, and sends whom it
// concerns what has changed. It returns the refusal, or 0.
func (t *meetings) register(now time.Time, r *Register, l line) Reason {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.ended[r.Nonce]; ok {
		t.tellEnded(e, r, l)
		return 0
	}
	m := t.byID[r.ID]
	if m == nil {
		m = &meeting{}
	}
	i := m.find(r)
	if i < 0 {
		return ReasonInUse
	}
	if m.seats[i] == nil {
		if r.State == StateLeft {
			l.send(&Status{Observed: l.remote(), State: StateLeft})
			return 0
		}
		if reason := t.admit(r, l); reason != 0 {
			return reason
		}
		t.byID[r.ID] = m
		m.seats[i] = &seat{register: r, line: l, observed: l.remote(), source: source(l.remote()), seen: now}
		t.tell(m, i, m.paired())
		return 0
	}
	t.refresh(now, m, i, r, l)
	return 0
}

// tellEnded answers a client whose partner has left: the meeting is not begun again for
// it, since others may want to use the token.
func (t *meetings) tellEnded(e ending, r *Register, l line) {
	s := *e.status
	s.State = r.State
	l.send(&s)
}

// refresh takes what a client that has a seat says.
func (t *meetings) refresh(now time.Time, m *meeting, i int, r *Register, l line) {
	s := m.seats[i]
	before := s.register.State
	s.seen, s.line = now, l
	if before == StateWaiting { // later, the peer knows this one
		s.observed = l.remote()
	}
	r.State = max(r.State, before)
	s.register = r
	if r.State == StateLeft {
		l.send(&Status{Observed: l.remote(), State: StateLeft})
		t.part(r.ID, m, i, "left")
		return
	}
	was := m.decision
	m.decide()
	if m.decision != was {
		t.journal.decided(m)
	}
	t.tell(m, i, m.paired() && (r.State != before || m.decision != was))
	if !m.known && m.paired() && m.seats[0].register.State > StateWaiting && m.seats[1].register.State > StateWaiting {
		m.known = true
		t.journal.paired(m.seats[0].observed, m.seats[1].observed)
		if t.paired != nil {
			_, m.carried = m.seats[0].line.(*tcpLine)
			t.paired(m.seats[0].line, m.seats[1].line)
		}
	}
}

// tell sends a client its status, and its partner the partner's if that has changed.
func (t *meetings) tell(m *meeting, i int, both bool) {
	m.seats[i].line.send(t.status(m, i))
	if both {
		m.seats[1-i].line.send(t.status(m, 1-i))
	}
}

// admit counts a new client, or says why there is no room for it.
func (t *meetings) admit(r *Register, l line) Reason {
	from := source(l.remote())
	switch {
	case t.clients >= t.limits.Clients:
		return ReasonFull
	case t.sources[from] >= t.limits.PerSource:
		return ReasonSource
	}
	t.clients++
	t.sources[from]++
	t.journal.registered(r, l.remote())
	return 0
}

// source is what is counted for an address: a subnet of IPv6 is as easy to have as one
// address of IPv4.
func source(a netip.AddrPort) netip.Addr {
	ip := a.Addr()
	if ip.Is6() {
		p, _ := ip.Prefix(64)
		return p.Addr()
	}
	return ip
}

// part ends a meeting, since the client in seat i is gone. Its partner is told.
func (t *meetings) part(id ID, m *meeting, i int, why string) {
	delete(t.byID, id)
	gone, other := m.seats[i], m.seats[1-i]
	gone.register.State = StateLeft
	for _, s := range m.seats {
		if s == nil {
			continue
		}
		t.clients--
		if t.sources[s.source]--; t.sources[s.source] == 0 {
			delete(t.sources, s.source)
		}
	}
	t.journal.gone(gone.observed, why)
	if other == nil {
		return
	}
	last := t.status(m, 1-i)
	if len(t.ended) < t.limits.Clients {
		t.ended[other.register.Nonce] = ending{last, other.seen}
	}
	other.line.send(last)
	if t.parted != nil {
		t.parted(m.seats[0].line, m.seats[1].line)
	}
}

// expire forgets who has been silent for too long.
func (t *meetings) expire(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for n, e := range t.ended {
		if now.Sub(e.at) > t.limits.Lifetime {
			delete(t.ended, n)
		}
	}
	for id, m := range t.byID {
		if m.carried {
			continue
		}
		for i, s := range m.seats {
			if s != nil && now.Sub(s.seen) > t.limits.Lifetime {
				t.part(id, m, i, "silent")
				break
			}
		}
	}
}

// hangUp forgets the client whose line is l, because it is broken.
func (t *meetings) hangUp(id ID, l line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.byID[id]
	if m == nil {
		return
	}
	for i, s := range m.seats {
		if s != nil && s.line == l {
			t.part(id, m, i, "hung up")
			return
		}
	}
}
