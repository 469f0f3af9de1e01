package punch

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// maxHeard is how many addresses beside those that the rendezvous told the peer may be
// heard from.
const maxHeard = 8

// target is a transport address at which the peer may be reached.
type target struct {
	addr     netip.AddrPort
	via      *net.UDPConn // this side's socket for it; nil for the one that is registered
	own      bool         // the peer's own address: a way that needs no NAT
	guessed  bool         // the peer predicts that this will be its address
	heard    bool         // the peer was heard from there
	answered bool         // it answered this side's ping from there: the path works both ways
}

// attempt is one side's tries over UDP. It neither sends nor receives by itself.
type attempt struct {
	codec   codec
	targets []*target
	pings   map[uint64]sentPing
	told    int // targets that the rendezvous told
	heard   int // those that it did not

	chosen *target // the path that the leader has taken
	both   bool    // and the other side knows it

	out   []outgoing // to be sent
	early [][]byte   // of the conversation, from a peer that was done before

	events *node.Events
	local  netip.AddrPort
	odd    map[netip.AddrPort]bool // who has sent what is not from the peer
}

type sentPing struct {
	via      *net.UDPConn
	to       netip.AddrPort
	nominate bool
}

type outgoing struct {
	via *net.UDPConn
	to  netip.AddrPort
	b   []byte
}

// newAttempt begins to try for the peer that the rendezvous told of. own is this side's
// address as the rendezvous sees it.
func newAttempt(c codec, events *node.Events, local, observed netip.AddrPort, peer *rendezvous.Peer) *attempt {
	a := &attempt{codec: c, pings: map[uint64]sentPing{}, events: events, local: local, odd: map[netip.AddrPort]bool{}}
	// In the order of the prediction, and before all else: each may cost this side's NAT
	// a mapping, which the peer has predicted likewise.
	for _, port := range parseNote(peer.Note).Ports {
		a.add(&target{addr: netip.AddrPortFrom(peer.Observed.Addr(), port), guessed: true})
	}
	for _, t := range targetsOf(local, observed, peer) {
		if a.at(t, nil) == nil {
			a.add(&target{addr: t, own: t != peer.Observed})
		}
	}
	a.told = len(a.targets)
	return a
}

// at returns the target with an address and a socket of this side; nil if there is none.
func (a *attempt) at(addr netip.AddrPort, via *net.UDPConn) *target {
	i := slices.IndexFunc(a.targets, func(t *target) bool { return t.addr == addr && t.via == via })
	if i < 0 {
		return nil
	}
	return a.targets[i]
}

func (a *attempt) add(t *target) *target {
	a.targets = append(a.targets, t)
	return t
}

// try sends a ping to every target, or to the one that was chosen.
func (a *attempt) try(n int) {
	a.choose(true)
	var to []string
	for _, t := range a.targets {
		if a.chosen == nil || a.chosen == t {
			a.ping(t)
			to = append(to, t.addr.String())
		}
	}
	a.events.Print("try", fmt.Sprintf("%d: %v -> %s", n, a.local, some(to)),
		slog.Int("try", n), slog.Any("local", a.local), slog.Any("to", to))
}

func join(list []string) string { return strings.Join(list, ", ") }

// some names the first of many addresses.
func some(list []string) string {
	const most = 4
	if len(list) <= most {
		return join(list)
	}
	return fmt.Sprintf("%s and %d more", join(list[:most]), len(list)-most)
}

func (a *attempt) ping(t *target) {
	nominates := a.codec.leads && a.chosen == t
	a.pingTo(t.via, t.addr, nominates)
}

// pingTo sends a ping through a socket to an address.
func (a *attempt) pingTo(via *net.UDPConn, to netip.AddrPort, nominates bool) {
	p := packet{kind: ping, number: randomNumber()}
	if nominates {
		p.flags = nominate
	}
	a.pings[p.number] = sentPing{via, to, nominates}
	a.send(via, to, p)
}

func randomNumber() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}

func (a *attempt) send(via *net.UDPConn, to netip.AddrPort, p packet) {
	a.out = append(a.out, outgoing{via, to, a.codec.seal(p)})
}

// take takes what came from an address to the socket that is registered.
func (a *attempt) take(b []byte, from netip.AddrPort) { a.takeVia(nil, b, from) }

// takeVia takes what came from an address to a socket.
func (a *attempt) takeVia(via *net.UDPConn, b []byte, from netip.AddrPort) {
	p, err := a.codec.open(b)
	if err != nil {
		a.ignore(from, len(b))
		return
	}
	t := a.from(from, via)
	if t == nil {
		return
	}
	switch p.kind {
	case ping:
		a.takePing(p, t)
	case pong:
		a.takePong(p, t)
	case data:
		// Only who knows of the path sends data.
		if !a.codec.leads || a.chosen == t {
			a.chosen, a.both = t, true
		}
		a.early = append(a.early, slices.Clone(b))
	}
}

// ignore says once for each source that something came that is not from the peer.
func (a *attempt) ignore(from netip.AddrPort, size int) {
	if a.odd[from] || len(a.odd) >= maxHeard {
		return
	}
	a.odd[from] = true
	a.events.Print("ignored", fmt.Sprintf("%s from %v: %v", node.Bytes(size), from, errForged),
		slog.Any("remote", from), slog.Int("bytes", size))
}

// from returns the target with an address that the peer was heard from, nil if those are
// too many. A new one is a mapping that the rendezvous did not see (peer-reflexive in
// RFC 8445 section 7.3.1.3). Either is tried at once when it is first heard (section
// 7.3.1.4).
func (a *attempt) from(addr netip.AddrPort, via *net.UDPConn) *target {
	if t := a.at(addr, via); t != nil {
		if !t.heard {
			t.heard = true
			a.printHeard(t)
			a.ping(t) // what was sent before was dropped, if the peer's NAT was not open yet
		}
		return t
	}
	if a.heard >= maxHeard {
		return nil
	}
	a.heard++
	t := a.add(&target{addr: addr, via: via, heard: true})
	a.printHeard(t)
	a.ping(t)
	return t
}

func (a *attempt) printHeard(t *target) {
	note := ""
	told := slices.IndexFunc(a.targets[:a.told], func(x *target) bool { return x.addr == t.addr })
	switch {
	case told < 0:
		note = " (another address than the rendezvous observed)"
	case a.targets[told].guessed:
		note = " (as predicted)"
	}
	a.events.Print("heard", t.addr.String()+note, slog.Any("remote", t.addr), slog.Bool("observed", note == ""))
}

func (a *attempt) takePing(p packet, t *target) {
	a.send(t.via, t.addr, packet{kind: pong, number: p.number})
	if p.flags&nominate != 0 && !a.codec.leads {
		a.chosen, a.both = t, true
	}
}

// takePong proves a path, if it came from where the ping went (RFC 8445 section
// 7.2.5.2.1): an answer by another way says nothing of this one.
func (a *attempt) takePong(p packet, t *target) {
	sent, ok := a.pings[p.number]
	if !ok || sent.to != t.addr || sent.via != t.via {
		return
	}
	delete(a.pings, p.number)
	t.answered = true
	if sent.nominate {
		a.both = true
		return
	}
	a.choose(false)
}

// choose takes a path, if this side leads. A way that needs no NAT is preferred: until the
// next try it may still be found.
func (a *attempt) choose(now bool) {
	if !a.codec.leads || a.chosen != nil {
		return
	}
	waits := false
	for _, t := range a.targets { // own addresses are the first of them
		switch {
		case t.answered && (now || !waits):
			a.chosen = t
			a.ping(t)
			return
		case t.own && !t.answered:
			waits = true
		}
	}
}

// flush returns what is to be sent.
func (a *attempt) flush() []outgoing {
	out := a.out
	a.out = nil
	return out
}

// deadline of the next step, the earlier of two.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
