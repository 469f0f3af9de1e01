package portmap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// The protocols' names, as events and flags spell them.
const (
	byPCP  = "pcp"
	byPMP  = "nat-pmp"
	byUPnP = "upnp"
)

// Config is what a server is told.
type Config struct {
	// Inside are the router's addresses on its inside, by which alone it can be
	// asked, each with its subnet. The first in a subnet is the one it names.
	Inside []netip.Prefix

	// LowPorts gives outside ports below 1024, too, to who asks for one.
	LowPorts bool
}

// Server is a router's server of port mappings.
type Server struct {
	config  Config
	leases  *leases
	journal *journal
	doors   []*datagram.Conn // of NAT-PMP and PCP, one per address
	resets  *net.UnixListener
	igd     *gatewayDevice
}

// Listen binds the sockets of a server, or none, in the network namespace of the
// calling thread. What the server does is printed to the Events of ctx.
func Listen(ctx context.Context, k Kernel, c Config) (*Server, error) {
	j := &journal{events: node.From(ctx)}
	lowest := uint16(firstPort)
	if c.LowPorts {
		lowest = 1
	}
	s := &Server{config: c, leases: newLeases(k, lowest, j), journal: j}
	if err := s.listen(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("--port-mapping: %w", err), s.close())
	}
	return s, nil
}

func (s *Server) listen(ctx context.Context) (err error) {
	for _, p := range s.config.Inside {
		at := netip.AddrPortFrom(p.Addr(), Port)
		c, err := datagram.Listen(ctx, at)
		if err != nil {
			return errno.Wrap("", err, at.String())
		}
		s.doors = append(s.doors, c)
	}
	if s.resets, err = listenResets(); err != nil {
		return err
	}
	s.igd, err = listenGatewayDevice(ctx, s)
	return err
}

// Serve grants and ends leases until ctx is done. The leases are not ended then: the
// router's forwards go with it.
func (s *Server) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range s.doors {
		g.Go(func() error { return s.serve(ctx, c) })
	}
	restarted := make(chan struct{}, 1)
	restarted <- struct{}{}
	g.Go(func() error { return s.leases.run(ctx) })
	g.Go(func() error { return s.announce(ctx, restarted) })
	g.Go(func() error { return s.serveResets(ctx, restarted) })
	s.igd.serve(ctx, g)
	g.Go(func() error {
		<-ctx.Done()
		return s.close()
	})
	err := g.Wait()
	s.journal.stopped()
	return err
}

// close closes the sockets that there are.
func (s *Server) close() error {
	var errs []error
	for _, c := range s.doors {
		errs = append(errs, c.Close())
	}
	if s.resets != nil {
		errs = append(errs, s.resets.Close())
	}
	if s.igd != nil {
		errs = append(errs, s.igd.close())
	}
	return errors.Join(errs...)
}

// serve answers one request after the other.
func (s *Server) serve(ctx context.Context, c *datagram.Conn) error {
	// One byte more than the longest request tells what is longer.
	b := make([]byte, pcpLargest+1)
	for {
		n, info, err := c.Receive(b)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return errno.Wrap("recvfrom", err, c.LocalAddr().String())
		}
		answer, err := s.answer(b[:n], info.From)
		if err != nil {
			s.journal.ignored(info.From, n, err)
			continue
		}
		if err := c.Reply(answer, info); err != nil {
			s.journal.failed(errno.Wrap("sendto", err, info.From.String()))
		}
	}
}

// errOutside is a request that came by an inside address, but not from inside.
var errOutside = errors.New("not from inside")

// answer returns what to answer to a datagram, or why there is no answer.
func (s *Server) answer(b []byte, from netip.AddrPort) ([]byte, error) {
	switch {
	case !s.isInside(from.Addr()):
		return nil, errOutside
	case len(b) > 0 && b[0] == pmpVersion:
		return s.answerPMP(b, from)
	}
	// What is neither is answered by the highest version (RFC 6887, section 9).
	return s.answerPCP(b, from)
}

// isInside tells whether a host is in a subnet of the inside. The router itself is
// none: it has no ports to open in itself.
func (s *Server) isInside(host netip.Addr) bool {
	in := false
	for _, p := range s.config.Inside {
		if p.Addr() == host {
			return false
		}
		in = in || p.Contains(host)
	}
	return in
}
