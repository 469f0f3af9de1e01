package punch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// strangers is how many connections may be proving at once that they are the peer's.
const strangers = 64

// attemptTCP is one side's tries over TCP: it listens and connects from the same port, at
// the same time as its peer.
//
// A connect that gets no answer is broken off and made anew, long before the kernel
// would send its SYN again, after a second: the first SYN was dropped by the other NAT
// if the peer had not sent its own. Between two connects the listening socket takes
// what comes, so that no SYN meets an RST. Both sides try about once in a round trip or
// more slowly: a SYN-ACK that comes when its SYN is given up is answered by an RST.
type attemptTCP struct {
	config   *Config
	station  *station
	codec    codec
	listener *net.TCPListener
	targets  []netip.AddrPort
	interval time.Duration

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	greeted chan *greeting // has proven to be the peer's
	settled chan *greeting // both sides take it
	room    chan struct{}

	mu    sync.Mutex
	conns map[*net.TCPConn]bool // all there are
	odd   int
}

func newAttemptTCP(ctx context.Context, c *Config, s *station, k codec, l *net.TCPListener) *attemptTCP {
	now := s.now()
	a := &attemptTCP{
		config: c, station: s, codec: k, listener: l,
		interval: max(c.Interval, 3*(s.rtt+parseNote(now.Peer.Note).rtt())/2),
		greeted:  make(chan *greeting), settled: make(chan *greeting),
		room: make(chan struct{}, strangers), conns: map[*net.TCPConn]bool{},
	}
	a.ctx, a.stop = context.WithCancel(ctx)
	a.targets = targetsOf(s.local, now.Observed, now.Peer)
	return a
}

// targetsOf is where the peer may be reached, the way that needs no NAT first. Behind the
// same outside address it may be a neighbour; elsewhere an address such as 10.0.0.2 is
// some neighbour of ours.
func targetsOf(local, observed netip.AddrPort, peer *rendezvous.Peer) []netip.AddrPort {
	var list []netip.AddrPort
	if peer.Observed.Addr() == observed.Addr() {
		for _, own := range peer.Own {
			if own != local && own.Port() != 0 && own.Addr().IsValid() {
				list = append(list, own)
			}
		}
	}
	if !slices.Contains(list, peer.Observed) && peer.Observed.IsValid() {
		list = append(list, peer.Observed)
	}
	return list
}

// run makes one try after the other until both sides have taken one connection, or the
// rendezvous says that there is none. Every other connection is closed then.
func (a *attemptTCP) run(begin time.Time) (won *greeting, n int, err error) {
	defer func() {
		a.stop()
		a.listener.Close()
		a.closeBut(won)
		a.running.Wait()
	}()
	a.running.Go(a.accept)
	patient := time.NewTimer(a.config.Timeout)
	defer patient.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	alive := 0 // connections that have proven to be the peer's
	var waiting []*greeting
	claims := false // one of them: else the other side might take another
	for {
		select {
		case <-next.C:
			if n >= a.config.Tries && alive == 0 {
				a.station.set(rendezvous.StateFailed)
			}
			n++
			a.try(n)
			next.Reset(a.interval)
		case g := <-a.greeted:
			alive++
			if !a.codec.leads {
				a.follow(g)
				break
			}
			a.station.set(rendezvous.StateDirect)
			waiting = append(waiting, g)
		case g := <-a.settled:
			if g.lost {
				alive--
				claims = false
				break
			}
			a.station.set(rendezvous.StateDirect)
			return g, n, nil
		case <-a.station.changed:
		case <-patient.C:
			return nil, n, fmt.Errorf("no word of the partner within %s: %v", limitOf(a.config.Timeout), a.station.server)
		case <-a.ctx.Done():
			return nil, n, context.Cause(a.ctx)
		}
		now := a.station.now()
		if err := verdict(now, alive); err != nil {
			return nil, n, err
		}
		// Who has said that it has no path does not take one on its own: the other may
		// have said so as well, and the rendezvous that there is none.
		if !claims && len(waiting) > 0 && (!now.failed || now.Decision == rendezvous.Direct) {
			claims = true
			a.lead(waiting[0])
			waiting = waiting[1:]
		}
	}
}

// verdict is why there is no path, if there is none. A partner that has left may have
// what it came for: what becomes of the connections that are alive is said on them.
func verdict(now snapshot, alive int) error {
	switch {
	case now.Decision == rendezvous.NotDirect:
		return ErrNoPath
	case errors.Is(now.err, rendezvous.ErrPartnerLeft) && (alive > 0 || now.Decision == rendezvous.Direct):
		return nil
	}
	return now.err
}

// try connects to every target, for as long as until the next try.
func (a *attemptTCP) try(n int) {
	var to []string
	for _, t := range a.targets {
		to = append(to, t.String())
		a.running.Go(func() {
			c, err := dialFrom(a.ctx, a.station.local, t, a.interval*19/20)
			if err == nil {
				a.greet(c)
			}
		})
	}
	a.station.events.Print("try", fmt.Sprintf("%d: %v -> %s", n, a.station.local, join(to)),
		slog.Int("try", n), slog.Any("local", a.station.local), slog.Any("to", to))
}

// accept takes the connections that come in.
func (a *attemptTCP) accept() {
	failed := func(err error) { a.station.events.Print("failed", err.Error()) }
	for c := range backoff.Accept(a.ctx, a.listener, failed) {
		select {
		case a.room <- struct{}{}:
		default:
			c.Close()
			continue
		}
		a.running.Go(func() {
			defer func() { <-a.room }()
			a.greet(c)
		})
	}
}

// greet has a new connection prove that it is the peer's.
func (a *attemptTCP) greet(c *net.TCPConn) {
	if !a.keep(c) {
		c.Close()
		return
	}
	g, err := greet(c, a.codec)
	if err != nil {
		a.drop(c)
		a.ignore(addr.Of(c.RemoteAddr()), err)
		return
	}
	remote := addr.Of(c.RemoteAddr())
	note := ""
	if !slices.Contains(a.targets, remote) {
		note = " (another address than the rendezvous observed)"
	}
	a.station.events.Print("heard", remote.String()+note, slog.Any("remote", remote), slog.Bool("observed", note == ""))
	select {
	case a.greeted <- g:
	case <-a.ctx.Done():
	}
}

// keep counts a connection among those that are closed in the end.
func (a *attemptTCP) keep(c *net.TCPConn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return false
	}
	a.conns[c] = true
	return true
}

func (a *attemptTCP) drop(c *net.TCPConn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.conns, c)
	c.Close()
}

// closeBut closes every connection but the one that was taken.
func (a *attemptTCP) closeBut(won *greeting) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.conns {
		if won == nil || c != won.TCPConn {
			c.Close()
		}
	}
}

// ignore says that a connection was not the peer's, or broke.
func (a *attemptTCP) ignore(from netip.AddrPort, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil || a.odd >= maxHeard {
		return
	}
	a.odd++
	a.station.events.Print("ignored", fmt.Sprintf("a connection from %v: %s", from, errno.Text(err)),
		slog.Any("remote", from), slog.String("error", errno.Text(err)))
}

// lead takes a connection as the one who leads.
func (a *attemptTCP) lead(g *greeting) { a.running.Go(func() { a.settle(g, g.claim()) }) }

// follow waits until the other takes it.
func (a *attemptTCP) follow(g *greeting) { a.running.Go(func() { a.settle(g, g.await()) }) }

// settle reports what came of that.
func (a *attemptTCP) settle(g *greeting, err error) {
	if g.lost = err != nil; g.lost {
		a.drop(g.TCPConn)
	}
	select {
	case a.settled <- g:
	case <-a.ctx.Done():
	}
}
