package turn

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Server is a TURN server whose sockets are open.
type Server struct {
	done    <-chan struct{} // closed when the server is to stop
	config  Config
	journal *journal
	table   *table
	nonces  *nonces
	sources *sources
	udp     []*udpSide
	tcp     []*tcpSide
}

// Listen opens the sockets of a server: all, or with an error none.
func Listen(ctx context.Context, c Config, events *node.Events) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, node.Usagef("%w", err)
	}
	s := &Server{
		config: c, journal: &journal{events: events, quiet: c.Quiet}, table: newTable(),
		nonces: newNonces(), sources: newSources(c.UnauthenticatedRate),
	}
	if c.Public.IsValid() {
		s.config.Peers = c.Peers.withPublic(c.Public)
	}
	for _, at := range c.Listen {
		if err := s.listen(ctx, at); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// listen opens the two sockets of an address. Where the kernel chooses the port, it is
// one that is free for both.
func (s *Server) listen(ctx context.Context, at netip.AddrPort) error {
	for try := 0; ; try++ {
		u, err := listenUDP(ctx, s, at)
		if err != nil {
			return err
		}
		t, err := listenTCP(ctx, s, netip.AddrPortFrom(at.Addr(), u.listen.Port()))
		if err == nil {
			s.udp, s.tcp = append(s.udp, u), append(s.tcp, t)
			return nil
		}
		u.close()
		if at.Port() != 0 || try > 10 || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
}

func (s *Server) close() {
	for _, u := range s.udp {
		u.close()
	}
	for _, t := range s.tcp {
		t.close()
	}
}

// Addrs returns the transport addresses that the server listens on.
func (s *Server) Addrs() []netip.AddrPort {
	addrs := make([]netip.AddrPort, len(s.udp))
	for i, u := range s.udp {
		addrs[i] = u.listen
	}
	return addrs
}

// String says where the server listens, for the event ready.
func (s *Server) String() string {
	var at []string
	for _, a := range s.Addrs() {
		at = append(at, a.String())
	}
	return fmt.Sprintf("turn udp and tcp %s, realm %s, relayed ports %d-%d",
		strings.Join(at, ", "), s.config.Users.realm, s.config.FirstPort, s.config.LastPort)
}

// Serve serves until ctx is done; then it ends all allocations, and returns when they
// have ended.
func (s *Server) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	s.done = ctx.Done()
	g.Go(func() error {
		<-ctx.Done()
		s.close()
		return nil
	})
	for _, u := range s.udp {
		if _, err := newControl(ctx, s, u, u.queue); err != nil {
			return err
		}
		g.Go(func() error { return u.serve(ctx) })
	}
	for _, t := range s.tcp {
		if _, err := newControl(ctx, s, t, t.queue); err != nil {
			return err
		}
		g.Go(func() error { return t.serve(ctx) })
	}
	err := g.Wait()
	s.table.endAll(stops)
	return err
}
