package punch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// findTCP finds a way over TCP: by the rendezvous unless that is invalid, and by the
// relay if there is none.
func findTCP(ctx context.Context, c *Config, server, relay netip.AddrPort) (*Way, error) {
	first := server
	if !first.IsValid() {
		first = relay
	}
	local, err := ownAddr(ctx, c.Local, first)
	if err != nil {
		return nil, err
	}
	p := &Path{Transport: "tcp", Local: local}
	if server.IsValid() {
		w, tried, err := punchTCP(ctx, c, local, server)
		if err == nil {
			return w, nil
		}
		if !errors.Is(err, ErrNoPath) {
			return nil, err
		}
		p = tried
		if !c.fallsBack() || !p.partner.Relay {
			return nil, noPath(c, p)
		}
		c = c.impatient()
	}
	return relayedTCP(ctx, c, p, relay)
}

// punchTCP tries for a direct connection.
func punchTCP(ctx context.Context, c *Config, local, server netip.AddrPort) (w *Way, p *Path, err error) {
	l, err := listenTCP(ctx, local)
	if err != nil {
		return nil, nil, err
	}
	local = addr.Of(l.Addr())
	s := openStation(ctx, c, local, server)
	defer func() {
		if err != nil {
			s.leave()
		}
	}()
	if err := s.meet(ctx); err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	peer := s.now().Peer
	printPeer(s.events, peer)
	k, err := s.codec()
	if err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	begin := time.Now()
	a := newAttemptTCP(ctx, c, s, k, l)
	g, tries, err := a.run(begin)
	p = &Path{Transport: "tcp", Local: local, Peer: peer.Observed, Tries: tries, Took: time.Since(begin), partner: parseNote(peer.Note)}
	if err != nil {
		return nil, p, err
	}
	p.Peer = addr.Of(g.RemoteAddr())
	p.print(s.events)
	return &Way{Path: *p, TCP: g.TCPConn, leave: s.leave}, p, nil
}

// meet waits until both know each other.
func (s *station) meet(ctx context.Context) error {
	t := time.NewTimer(s.config.Timeout)
	defer t.Stop()
	for {
		now := s.now()
		switch {
		case now.err != nil:
			return now.err
		case now.met:
			return nil
		case s.config.Stay && now.known:
			s.events.Ready(fmt.Sprintf("at %v, waiting for a partner", s.server), slog.Any("server", s.server))
		}
		expired := t.C
		if s.config.Stay {
			expired = nil
		}
		select {
		case <-s.changed:
		case <-expired:
			s.mu.Lock()
			defer s.mu.Unlock()
			return alone(s.guest, s.server, s.config.Timeout)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// relayedTCP connects to the relay and joins. p is what came of punching.
func relayedTCP(ctx context.Context, c *Config, p *Path, relay netip.AddrPort) (_ *Way, err error) {
	begin := time.Now()
	limit := c.Timeout
	if !c.Stay {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, limit, errNobody)
		defer stop()
	}
	conn, err := dialFrom(ctx, p.Local, relay, limit)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", explain(err, p.Local, relay, limit))
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	token, err := rendezvous.NewToken(c.Token, c.use(true))
	if err != nil {
		return nil, err
	}
	p.Local = addr.Of(conn.LocalAddr())
	guest, err := rendezvous.NewGuest(token, []netip.AddrPort{p.Local}, nil)
	if err != nil {
		return nil, err
	}
	if c.Stay {
		node.From(ctx).Ready(fmt.Sprintf("at %v, waiting for a partner", relay), slog.Any("server", relay))
	}
	if err := rendezvous.JoinStream(ctx, conn, guest); err != nil {
		if errors.Is(err, errNobody) {
			err = alone(guest, relay, limit)
		}
		return nil, fmt.Errorf("relay: %w", err)
	}
	if err := greetThrough(conn, guest); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	p.Relay, p.Took = relay, p.Took+time.Since(begin)
	if !p.Peer.IsValid() {
		p.Peer = guest.Status().Peer.Observed
	}
	p.print(node.From(ctx))
	return &Way{Path: *p, TCP: conn}, nil
}

// errNobody ends the wait for a partner at the relay.
var errNobody = errors.New("nobody came")

// greetThrough proves that the other end of a relay is the peer.
func greetThrough(c *net.TCPConn, g *rendezvous.Guest) error {
	key, err := g.PeerKey()
	if err != nil {
		return err
	}
	if _, err := greet(c, codec{key: key, leads: g.Status().Peer.Nonce.Less(g.Nonce())}); err != nil {
		return fmt.Errorf("the partner does not prove to have the token: %w", err)
	}
	return c.SetDeadline(time.Time{})
}

// limitOf words a limit.
func limitOf(d time.Duration) string { return dial.Seconds(d) + " (--timeout)" }
