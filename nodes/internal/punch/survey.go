package punch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// past is a deadline that is over.
var past = time.Unix(1, 0)

const (
	surveyTries = 3
	surveyWait  = 200 * time.Millisecond

	// largestStep is the most by which the port of one mapping may differ from that of
	// the one before, in a NAT that is taken to count.
	largestStep = 16

	lowestPort = 1024
	portRange  = 65536 - lowestPort // that a NAT maps to
)

// survey finds out how this side's mappings differ, by asking several addresses of
// rendezvous from one socket, and predicts.
func (m *meetUDP) survey(ctx context.Context) error {
	if m.config.Predict == 0 && m.config.Birthday == 0 {
		return nil
	}
	servers := []netip.AddrPort{m.server}
	for _, r := range m.config.Observe {
		a, err := resolve(ctx, r)
		if err != nil {
			return err
		}
		servers = append(servers, a)
	}
	var ports []uint16
	for _, s := range servers {
		a, err := m.ask(ctx, s)
		if err != nil {
			return err
		}
		ports = append(ports, a.Port())
	}
	m.events.Print("mapped", fmt.Sprintf("%v to ports %v, as seen from %s", m.local, ports, list(servers)),
		slog.Any("local", m.local), slog.Any("ports", ports), slog.Any("servers", servers))
	m.seen.Varies = varies(ports)
	if !m.seen.Varies {
		return nil
	}
	m.predict(ctx, ports)
	return nil
}

func varies(ports []uint16) bool {
	for _, p := range ports {
		if p != ports[0] {
			return true
		}
	}
	return false
}

// ask returns this side's address as one server sees it.
func (m *meetUDP) ask(ctx context.Context, server netip.AddrPort) (netip.AddrPort, error) {
	t := rendezvous.NewTransaction()
	question := rendezvous.Append(nil, t, &rendezvous.Hello{})
	for range surveyTries {
		if err := m.send(question, server); err != nil {
			return netip.AddrPort{}, err
		}
		for until := time.Now().Add(surveyWait); ; {
			n, from, err := receive(m.conn, m.buf, until)
			if ctx.Err() != nil {
				return netip.AddrPort{}, context.Cause(ctx)
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil || from != server {
				continue
			}
			got, answer, err := rendezvous.Parse(m.buf[:n])
			if c, ok := answer.(*rendezvous.Challenge); ok && err == nil && got == t {
				return c.Observed, nil
			}
		}
	}
	return netip.AddrPort{}, fmt.Errorf("%v does not tell the observed address: --predict and --birthday need a rendezvous that listens there, too (server rendezvous :%d :%d)",
		server, m.server.Port(), m.server.Port()+1)
}

// predict says which ports the mapping to the peer may get, if the NAT counts, or keeps
// the port of the first mapping of a socket. Random ports cannot be predicted.
func (m *meetUDP) predict(ctx context.Context, ports []uint16) {
	n := min(m.config.Predict, maxPredicted)
	if n == 0 {
		return
	}
	last := ports[len(ports)-1]
	step := int(last) - int(ports[len(ports)-2])
	why := ""
	switch {
	case step != 0 && -largestStep <= step && step <= largestStep:
		// Every port in that direction, not every step: others may have had the ports in
		// between.
		direction := 1
		if step < 0 {
			direction = -1
		}
		for i := range n {
			m.seen.Ports = append(m.seen.Ports, wrap(int(last)+direction*(i+1)))
		}
		why = fmt.Sprintf("the NAT counts: the last step was %d", step)
	case ports[0] == m.local.Port():
		// The mapping to the peer will not be the first of this socket; that of a new
		// one will.
		m.spare = openSpare(ctx, m.local, 1)
		for _, c := range m.spare.conns {
			m.seen.Ports = append(m.seen.Ports, localPort(c))
		}
		why = "the NAT keeps the port of a socket's first mapping"
	default:
		m.events.Print("predicted", "nothing: the NAT's ports follow no step", slog.Any("ports", []uint16{}))
		return
	}
	m.events.Print("predicted", fmt.Sprintf("%v (%s)", m.seen.Ports, why), slog.Any("ports", m.seen.Ports), slog.String("why", why))
}

// wrap keeps a port in the range of a NAT.
func wrap(port int) uint16 {
	return uint16(lowestPort + ((port-lowestPort)%portRange+portRange)%portRange)
}

func localPort(c *net.UDPConn) uint16 { return uint16(c.LocalAddr().(*net.UDPAddr).Port) }

// tryMore makes the part of a try that goes beyond what the rendezvous told: through
// spare sockets, or to ports that are guessed.
//
// By chance (the birthday attack), the side whose mapping varies sends from many sockets
// to the one address that the other is known by; each makes a mapping, at a random port,
// that lets the other in. The other sends to many ports at random. With n mappings among
// N ports, m packets meet one with a chance of 1-(1-n/N)^m.
func (m *meetUDP) tryMore(a *attempt, n int, peer *rendezvous.Peer) {
	if a.chosen != nil {
		return
	}
	theirs := parseNote(peer.Note)
	if m.config.Birthday > 0 && !m.seen.Varies && theirs.Varies && n > 1 {
		m.guess(a, peer.Observed.Addr())
	}
	if m.spare == nil {
		return
	}
	for _, c := range m.spare.conns {
		// The first mapping of a socket is the one that was predicted.
		for _, port := range theirs.Ports {
			a.pingTo(c, netip.AddrPortFrom(peer.Observed.Addr(), port), false)
		}
		a.pingTo(c, peer.Observed, false)
	}
}

// guess sends to ports at random, none twice, so many in a try that all tries of this
// side make up what was asked for.
func (m *meetUDP) guess(a *attempt, to netip.Addr) {
	if m.guesses == nil {
		m.guesses = rand.Perm(portRange)[:min(m.config.Birthday, portRange)]
	}
	each := (m.config.Birthday + m.config.Tries - 2) / max(m.config.Tries-1, 1)
	for range min(each, len(m.guesses)) {
		a.pingTo(nil, netip.AddrPortFrom(to, uint16(lowestPort+m.guesses[0])), false)
		m.guesses = m.guesses[1:]
		m.guessed++
	}
}

// openForBirthday opens the sockets of the side whose mapping varies.
func (m *meetUDP) openForBirthday(ctx context.Context, peer *rendezvous.Peer) {
	theirs := parseNote(peer.Note)
	switch {
	case m.config.Birthday == 0:
	case m.seen.Varies && theirs.Varies:
		m.events.Print("birthday", "both mappings vary: two ports would have to be met at once")
	case m.seen.Varies:
		m.spare.close(nil)
		m.spare = openSpare(ctx, m.local, m.config.Birthday)
		m.events.Print("birthday", fmt.Sprintf("%d sockets send to %v", len(m.spare.conns), peer.Observed), slog.Int("sockets", len(m.spare.conns)))
	case theirs.Varies:
		m.events.Print("birthday", fmt.Sprintf("%d ports of %v are tried", m.config.Birthday, peer.Observed.Addr()), slog.Int("ports", m.config.Birthday))
	}
}

// keepOnly goes on with one socket, and closes the others. What has come to it already is
// the attempt's.
func (m *meetUDP) keepOnly(via *net.UDPConn, a *attempt) {
	m.spare.close(via)
	if via != nil {
		m.spare.take(a)
		for _, o := range a.flush() {
			if o.via == via {
				_ = m.sendVia(o) // as if it had been lost
			}
		}
		m.conn.Close()
		m.conn = via
		m.local = netip.AddrPortFrom(m.local.Addr(), localPort(via))
		m.request = time.Time{}
	}
	m.spare = nil
}
