package punch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// ErrNoPath is what a path that did not come about is.
var ErrNoPath = errors.New("no direct path")

// meetUDP is a UDP socket's way to a path.
type meetUDP struct {
	config *Config
	events *node.Events
	conn   *net.UDPConn
	server netip.AddrPort // the rendezvous
	local  netip.AddrPort
	guest  *rendezvous.Guest
	buf    []byte

	spare   *spare    // further sockets; nil for none
	seen    note      // what was found out of this side's NAT
	guesses []int     // ports that are yet to be tried by chance
	guessed int       // how many were
	request time.Time // when the next is due
	patient time.Time // when the patience with the partner ends
	printed bool      // that this side is registered
}

// openUDP binds the socket.
func openUDP(ctx context.Context, c *Config, server netip.AddrPort, relay bool) (*meetUDP, error) {
	local, err := ownAddr(ctx, c.Local, server)
	if err != nil {
		return nil, err
	}
	conn, err := listenUDP(ctx, local)
	if err != nil {
		return nil, err
	}
	m := &meetUDP{config: c, events: node.From(ctx), conn: conn, server: server, buf: make([]byte, datagram.MaxSize)}
	if err := m.newGuest(relay); err != nil {
		conn.Close()
		return nil, err
	}
	return m, nil
}

// newGuest is to meet the partner at the server.
func (m *meetUDP) newGuest(relay bool) error {
	token, err := rendezvous.NewToken(m.config.Token, m.config.use(relay))
	if err != nil {
		return err
	}
	m.local = addr.Of(m.conn.LocalAddr())
	m.seen.Relay = m.config.fallsBack()
	m.guest, err = rendezvous.NewGuest(token, []netip.AddrPort{m.local}, m.seen.encode())
	m.printed, m.request = false, time.Time{}
	return err
}

// codec authenticates what the two peers say to each other.
func (m *meetUDP) codec() (codec, error) {
	peer := m.guest.Status().Peer.Nonce
	key, err := m.guest.PeerKey()
	return codec{key: key, leads: peer.Less(m.guest.Nonce())}, err
}

// attention is how soon the end of a context is seen, and what comes to a spare socket.
const attention = 50 * time.Millisecond

// step sends the next request when it is due, and takes what comes until a time. What is
// not the server's is given to other, if that is not nil.
func (m *meetUDP) step(ctx context.Context, until time.Time, other func(b []byte, from netip.AddrPort)) error {
	if !time.Now().Before(m.request) {
		b, again := m.guest.Request()
		m.request = time.Now().Add(again)
		if err := m.send(b, m.server); err != nil {
			return err
		}
	}
	n, from, err := receive(m.conn, m.buf, earlier(earlier(until, m.request), time.Now().Add(attention)))
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded), isTransient(err):
		return nil
	case err != nil:
		return errno.Wrap("recvfrom", err, m.local.String())
	case from != m.server:
		if other != nil {
			other(m.buf[:n], from)
		}
		return nil
	case !rendezvous.IsMessage(m.buf[:n]):
		if other != nil {
			other(m.buf[:n], from)
		}
		return nil
	}
	return m.takeMessage(m.buf[:n])
}

func (m *meetUDP) takeMessage(b []byte) error {
	next, err := m.guest.Receive(b)
	if err != nil {
		return fmt.Errorf("%v refuses: %w", m.server, err)
	}
	if m.guest.Known() && !m.printed {
		m.printed = true
		printRegistered(m.events, m.local, m.server, m.guest.Observed())
	}
	if len(next) == 0 {
		return nil
	}
	return m.send(next, m.server)
}

// send sends a datagram. That one cannot be sent, for want of a route to one of several
// addresses for example, is as if it had been lost.
func (m *meetUDP) send(b []byte, to netip.AddrPort) error {
	if _, err := m.conn.WriteToUDPAddrPort(b, to); err != nil && !isTransient(err) {
		return errno.Wrap("sendto", err, to.String())
	}
	return nil
}

// sendVia sends a datagram through its socket.
func (m *meetUDP) sendVia(o outgoing) error {
	if o.via == nil {
		return m.send(o.b, o.to)
	}
	if _, err := o.via.WriteToUDPAddrPort(o.b, o.to); err != nil && !isTransient(err) {
		return errno.Wrap("sendto", err, o.to.String())
	}
	return nil
}

// meet waits until both know each other.
func (m *meetUDP) meet(ctx context.Context, other func([]byte, netip.AddrPort)) error {
	m.patient = time.Now().Add(m.config.Timeout)
	for {
		if m.config.Stay && m.guest.Known() {
			m.events.Ready(fmt.Sprintf("at %v, waiting for a partner", m.server), slog.Any("server", m.server))
		}
		met, err := m.guest.Met()
		if met || err != nil {
			return err
		}
		if !m.config.Stay && !time.Now().Before(m.patient) {
			return alone(m.guest, m.server, m.config.Timeout)
		}
		if err := m.step(ctx, time.Now().Add(m.config.Timeout), other); err != nil {
			return err
		}
	}
}

// alone words that nobody came, or that the server does not answer.
func alone(g *rendezvous.Guest, server netip.AddrPort, limit time.Duration) error {
	if g == nil || !g.Answered() { // nil: not even a connection
		return fmt.Errorf("%v does not answer within %s (--timeout)", server, dial.Seconds(limit))
	}
	return fmt.Errorf("nobody came with this token within %s (--timeout): %v", dial.Seconds(limit), server)
}

// punch tries for a direct path.
func (m *meetUDP) punch(ctx context.Context) (*attempt, *Path, error) {
	// What the peer sends while this side does not know it yet opens this side's NAT
	// for nobody and is lost; the next try comes soon.
	if err := m.meet(ctx, nil); err != nil {
		return nil, nil, err
	}
	status := m.guest.Status()
	printPeer(m.events, status.Peer)
	c, err := m.codec()
	if err != nil {
		return nil, nil, err
	}
	m.openForBirthday(ctx, status.Peer)
	a := newAttempt(c, m.events, m.local, status.Observed, status.Peer)
	begin := time.Now()
	m.patient = begin.Add(m.config.Timeout)
	tries, err := m.tries(ctx, a, begin, status.Peer)
	p := &Path{Transport: "udp", Local: m.local, Peer: status.Peer.Observed, Tries: tries, Took: time.Since(begin), partner: parseNote(status.Peer.Note)}
	if err == nil {
		m.keepOnly(a.chosen.via, a)
		p.Local, p.Peer = m.local, a.chosen.addr
	}
	if m.guessed > 0 {
		m.events.Print("guessed", fmt.Sprintf("%d of %d ports", m.guessed, portRange), slog.Int("ports", m.guessed))
	}
	return a, p, err
}

// tries makes one try after the other until there is a path, or the rendezvous says that
// there is none.
func (m *meetUDP) tries(ctx context.Context, a *attempt, begin time.Time, peer *rendezvous.Peer) (n int, err error) {
	for next := begin; ; {
		if !time.Now().Before(next) {
			if n >= m.config.Tries && a.chosen == nil {
				m.set(rendezvous.StateFailed)
			}
			n++
			a.try(n)
			m.tryMore(a, n, peer)
			next = time.Now().Add(m.config.Interval)
		}
		m.spare.take(a)
		for _, o := range a.flush() {
			if err := m.sendVia(o); err != nil {
				return n, err
			}
		}
		if done, err := m.judge(a); done || err != nil {
			return n, err
		}
		if err := m.step(ctx, next, a.take); err != nil {
			return n, err
		}
	}
}

// set takes this side further, and has it told at once.
func (m *meetUDP) set(s rendezvous.State) {
	if m.guest.Set(s) {
		m.request = time.Time{}
	}
}

// judge reports whether there is a path that both know, and fails when there is none.
func (m *meetUDP) judge(a *attempt) (done bool, err error) {
	status := m.guest.Status()
	// Who has said that it has no path does not take one on its own: the other may
	// have said so as well, and the rendezvous that there is none.
	if a.chosen != nil {
		m.set(rendezvous.StateDirect)
	}
	late := m.guest.Failed()
	switch {
	case status.Decision == rendezvous.NotDirect:
		return false, ErrNoPath
	case a.both && (!late || status.Decision == rendezvous.Direct):
		return true, nil
	case a.chosen != nil && status.Peer.State >= rendezvous.StateDirect:
		return true, nil // its answer is lost, or late; it may have left with what it came for
	case status.Peer.State == rendezvous.StateLeft:
		return false, rendezvous.ErrPartnerLeft
	case !time.Now().Before(m.patient):
		return false, fmt.Errorf("no word of the partner within %s (--timeout): %v", dial.Seconds(m.config.Timeout), m.server)
	}
	return false, nil
}

func printRegistered(e *node.Events, local, server, observed netip.AddrPort) {
	e.Print("registered", fmt.Sprintf("%v at %v observed %v", local, server, observed),
		slog.Any("local", local), slog.Any("server", server), slog.Any("observed", observed))
}

func printPeer(e *node.Events, p *rendezvous.Peer) {
	e.Print("peer", fmt.Sprintf("observed %v own %s", p.Observed, list(p.Own)),
		slog.Any("observed", p.Observed), slog.Any("own", p.Own))
}

func list(addrs []netip.AddrPort) string {
	var words []string
	for _, a := range addrs {
		words = append(words, a.String())
	}
	return join(words)
}
