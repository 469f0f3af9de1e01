package punch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/reliable"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// Way is a path that has come about, and the connection over it: UDP or TCP is set.
type Way struct {
	Path
	UDP *Link
	TCP *net.TCPConn

	// leave takes leave of the server where this side is registered.
	leave  func()
	stream *reliable.Stream // over UDP, if one was wanted
	limit  time.Duration    // for each word of the partner
}

// Conn is the connection.
func (w *Way) Conn() net.Conn {
	if w.UDP != nil {
		return w.UDP
	}
	return w.TCP
}

// Socket is a connection that carries a stream of bytes, which the kernel knows.
type Socket interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// Stream is the connection as a stream of bytes: over UDP by QUIC, if the partner wants it
// so too. It ends with ctx, and is closed with w.
func (w *Way) Stream(ctx context.Context) (Socket, error) {
	if w.TCP != nil {
		return w.TCP, nil
	}
	s, err := reliable.Open(ctx, w.UDP, reliable.Config{Key: w.UDP.codec.key, Leads: w.UDP.codec.leads, Limit: w.limit})
	if err != nil {
		return nil, err
	}
	w.stream = s
	node.From(ctx).Print("stream", fmt.Sprintf("quic to %v", addr.Of(w.UDP.RemoteAddr())), slog.Any("remote", addr.Of(w.UDP.RemoteAddr())))
	return s, nil
}

// Close ends the conversation, and leaves the meeting.
func (w *Way) Close() error {
	var err error
	if w.stream != nil {
		err = w.stream.Close()
	}
	// What ends its context may have closed it.
	if closeErr := w.Conn().Close(); !errors.Is(closeErr, net.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	if w.leave != nil {
		w.leave()
	}
	return err
}

// Find meets the partner and makes a path, as c wants it. What happens is printed to the
// Events of ctx.
func Find(ctx context.Context, c Config) (*Way, error) {
	var relay netip.AddrPort
	var err error
	if c.Relay != (addr.Remote{}) {
		if relay, err = resolve(ctx, c.Relay); err != nil {
			return nil, err
		}
	}
	find := findUDP
	if c.TCP {
		find = findTCP
	}
	if c.Want == Relayed {
		return find(ctx, &c, netip.AddrPort{}, relay)
	}
	server, err := resolve(ctx, c.Rendezvous)
	if err != nil {
		return nil, err
	}
	return find(ctx, &c, server, relay)
}

func resolve(ctx context.Context, r addr.Remote) (netip.AddrPort, error) {
	all, err := dial.Resolve(ctx, r)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return all[0], nil
}

// noPath words that there is no direct path, and what could be done.
func noPath(c *Config, p *Path) error {
	why := "the partner comes to no relay"
	switch {
	case c.Want == Direct:
		why = "--path direct"
	case !c.fallsBack():
		why = "no --relay"
	}
	return fmt.Errorf("%w to %v after %s, and %s", ErrNoPath, p.Peer, count(p.Tries), why)
}

// findUDP finds a way over UDP: by the rendezvous unless that is invalid, and by the
// relay if there is none.
func findUDP(ctx context.Context, c *Config, server, relay netip.AddrPort) (_ *Way, err error) {
	first := server
	if !first.IsValid() {
		first = relay
	}
	m, err := openUDP(ctx, c, first, !server.IsValid())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.leave(ctx)
			m.keepOnly(nil, nil)
			m.conn.Close()
		}
	}()
	p := &Path{Transport: "udp", Local: m.local}
	if server.IsValid() {
		if err := m.survey(ctx); err != nil {
			return nil, err
		}
		if err := m.newGuest(false); err != nil {
			return nil, err
		}
		a, tried, err := m.punch(ctx)
		if err == nil {
			tried.print(m.events)
			return &Way{Path: *tried, UDP: m.link(a.codec, tried.Peer, a.early), limit: m.config.Timeout}, nil
		}
		if !errors.Is(err, ErrNoPath) {
			return nil, err
		}
		p = tried
		if !c.fallsBack() || !p.partner.Relay {
			return nil, noPath(c, p)
		}
		m.leave(ctx)
		m.keepOnly(nil, nil)
		m.config, m.server = c.impatient(), relay
		if err := m.newGuest(true); err != nil {
			return nil, err
		}
	}
	return m.relayed(ctx, p)
}

// relayed joins the relay. p is what came of punching.
func (m *meetUDP) relayed(ctx context.Context, p *Path) (*Way, error) {
	begin := time.Now()
	var early [][]byte
	err := m.meet(ctx, func(b []byte, from netip.AddrPort) {
		if from == m.server && len(early) < inbox {
			early = append(early, append([]byte(nil), b...))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	c, err := m.codec()
	if err != nil {
		return nil, err
	}
	p.Relay, p.Took = m.server, p.Took+time.Since(begin)
	if !p.Peer.IsValid() {
		p.Peer = m.guest.Status().Peer.Observed
	}
	p.print(m.events)
	return &Way{Path: *p, UDP: m.link(c, m.server, early), limit: m.config.Timeout}, nil
}

// leave takes leave of the server, which may not hear it: it forgets who is silent.
func (m *meetUDP) leave(ctx context.Context) {
	if !m.guest.Answered() {
		return
	}
	m.guest.Set(rendezvous.StateLeft)
	for range farewells {
		b, _ := m.guest.Request()
		if m.send(b, m.server) != nil || ctx.Err() != nil {
			return
		}
		m.request = time.Now().Add(time.Hour)
		for until := time.Now().Add(farewellWait); time.Now().Before(until); {
			if m.step(ctx, until, nil) != nil || m.guest.Known() {
				return
			}
		}
	}
}

// Stay finds one way after the other until ctx is done, and has talk called for each.
// What fails with one partner is printed.
func Stay(ctx context.Context, c Config, talk func(context.Context, *Way) error) error {
	events := node.From(ctx)
	c.Stay = true
	for {
		err := once(ctx, c, talk)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			events.Print("failed", err.Error())
			if !sleep(ctx, time.Second) {
				return nil
			}
		}
	}
}

// once finds a way and talks over it.
func once(ctx context.Context, c Config, talk func(context.Context, *Way) error) error {
	w, err := Find(ctx, c)
	if err != nil {
		return fmt.Errorf("punch: %w", err)
	}
	return errors.Join(talk(ctx, w), w.Close())
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
