package socks

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/relay"
)

// No keep-alive probes are sent, on either side, as by `relay tcp`.
const noKeepAlive = -1

// Server is a proxy whose listening sockets are open.
type Server struct {
	config    Config
	events    *node.Events
	listeners []*net.TCPListener
	carrier   *relay.Carrier
	sources   *sources
	slots     chan struct{} // one a connection
	relays    chan struct{} // one a UDP association
}

// Listen opens the listening sockets: all, or with an error none.
func Listen(ctx context.Context, c Config, events *node.Events) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Server{
		config: c, events: events,
		carrier: relay.NewCarrier(c.Idle),
		sources: newSources(c.MaxPerSource),
		slots:   make(chan struct{}, c.MaxConnections),
		relays:  make(chan struct{}, c.MaxAssociations),
	}
	config := net.ListenConfig{KeepAlive: noKeepAlive}
	for _, a := range c.Listen {
		l, err := config.Listen(ctx, addr.Network("tcp", a), a.String())
		if err != nil {
			s.close()
			return nil, errno.Wrap("", err, "tcp "+a.String())
		}
		s.listeners = append(s.listeners, l.(*net.TCPListener))
	}
	return s, nil
}

// Addrs returns the transport addresses that the proxy listens on.
func (s *Server) Addrs() []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, l := range s.listeners {
		addrs = append(addrs, addr.Of(l.Addr()))
	}
	return addrs
}

func (s *Server) close() {
	for _, l := range s.listeners {
		l.Close()
	}
}

// Serve serves clients until ctx is cancelled, then resets every connection. It returns
// when nothing is left.
func (s *Server) Serve(ctx context.Context) error {
	defer s.carrier.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.carrier.Run(ctx) })
	for _, l := range s.listeners {
		g.Go(func() error { return s.accept(ctx, l) })
	}
	s.ready()
	return g.Wait()
}

// ready tells that the proxy can be used, and by whom.
func (s *Server) ready() {
	var listen []string
	for _, a := range s.Addrs() {
		listen = append(listen, a.String())
	}
	who := "everybody"
	if n := len(s.config.Users); n == 1 {
		who = "1 user"
	} else if n > 1 {
		who = fmt.Sprintf("%d users", n)
	}
	s.events.Ready(fmt.Sprintf("relay socks5 and http CONNECT on %s for %s", strings.Join(listen, ", "), who),
		slog.Any("listen", listen), slog.Int("users", len(s.config.Users)))
}

// accept serves each client of l until ctx is cancelled.
func (s *Server) accept(ctx context.Context, l *net.TCPListener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var clients sync.WaitGroup
	defer clients.Wait()
	var starved, full bool
	failed := func(err error) {
		if !starved {
			s.limited(err.Error())
		}
		starved = true
	}
	for c := range backoff.Accept(ctx, l, failed) {
		starved = false
		from := addr.Of(c.RemoteAddr()).Addr()
		if ok, tell := s.sources.enter(from); !ok {
			if tell {
				s.limited(fmt.Sprintf("%v has %d connections (--max-per-source); more of its are reset", from, s.config.MaxPerSource))
			}
			relay.Reset(c)
			continue
		}
		if !s.slot(ctx, &full) {
			relay.Reset(c)
			s.sources.leave(from)
			return nil
		}
		clients.Go(func() {
			defer func() { <-s.slots; s.sources.leave(from) }()
			newVisit(s, c).serve(ctx)
		})
	}
	return nil
}

// slot waits until there may be one more connection, or ctx is cancelled.
func (s *Server) slot(ctx context.Context, full *bool) bool {
	select {
	case s.slots <- struct{}{}:
		*full = false
		return true
	default:
	}
	if !*full {
		s.limited(fmt.Sprintf("%d connections (--max-connections); others wait", cap(s.slots)))
	}
	*full = true
	select {
	case s.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) limited(reason string) {
	s.events.Print("limited", reason, slog.String("reason", reason))
}
