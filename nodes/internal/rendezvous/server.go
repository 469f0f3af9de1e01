package rendezvous

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// DefaultPort is where a rendezvous listens, UDP and TCP.
const DefaultPort = 3480

// Config is what a server is told.
type Config struct {
	Listen []netip.AddrPort // each for UDP and TCP
	Limits Limits           // DefaultLimits for most
	Quiet  bool             // print no event of a client

	// HalfOpen ends a TCP connection that has not registered within this time, and a
	// write that a client does not take.
	HalfOpen time.Duration

	// MaxConnections is how many TCP connections there are at once, registered or not.
	MaxConnections int

	// Carrier, if it is not nil, makes the server a relay.
	Carrier Carrier
}

// DefaultConfig listens on the default port of every IPv4 address.
func DefaultConfig() Config {
	return Config{
		Listen: []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), DefaultPort)},
		Limits: DefaultLimits(), HalfOpen: 5 * time.Second, MaxConnections: 20000,
	}
}

// Server is a rendezvous that listens.
type Server struct {
	config   Config
	udp      []*datagram.Conn
	tcp      []*net.TCPListener
	cookies  *cookies
	halfOpen *halfOpen
	meetings *meetings
	pairs    *pairs
	journal  *journal
}

// Listen binds the sockets of a server, or none. What it does is printed to the Events
// of ctx.
func Listen(ctx context.Context, c Config) (*Server, error) {
	j := &journal{events: node.From(ctx), quiet: c.Quiet}
	s := &Server{config: c, cookies: newCookies(), halfOpen: newHalfOpen(c.Limits.PerSource), meetings: newMeetings(c.Limits, j), journal: j}
	if c.Carrier != nil {
		s.pairs = newPairs(c.Carrier, j)
		s.meetings.paired, s.meetings.parted = s.pairs.join, s.pairs.part
	}
	for _, a := range c.Listen {
		if err := s.listen(ctx, a); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// portTries is how often a port that the kernel chose for UDP may be taken for TCP.
const portTries = 20

func (s *Server) listen(ctx context.Context, a netip.AddrPort) error {
	for try := 1; ; try++ {
		err := s.bind(ctx, a)
		if err == nil || a.Port() != 0 || try == portTries || !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
}

// bind binds a for UDP and TCP, or for neither.
func (s *Server) bind(ctx context.Context, a netip.AddrPort) error {
	u, err := datagram.Listen(ctx, a)
	if err != nil {
		return bindError("udp", a, err)
	}
	a = netip.AddrPortFrom(a.Addr(), addr.Of(u.LocalAddr()).Port())
	lc := net.ListenConfig{}
	lc.SetMultipathTCP(false)
	t, err := lc.Listen(ctx, addr.Network("tcp", a), a.String())
	if err != nil {
		return errors.Join(bindError("tcp", a, err), u.Close())
	}
	s.udp = append(s.udp, u)
	s.tcp = append(s.tcp, t.(*net.TCPListener))
	return nil
}

// bindError words why an address could not be bound, and what to do.
func bindError(transport string, a netip.AddrPort, err error) error {
	detail := fmt.Sprintf("%s %v", transport, a)
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		detail += " (no interface of this node has the address)"
	case errors.Is(err, syscall.EADDRINUSE):
		detail += " (is another server running? choose another port)"
	case errors.Is(err, syscall.EACCES):
		detail += " (the port is for root; choose one above 1023)"
	}
	return errno.Wrap("", err, detail)
}

// Addrs is where the server listens.
func (s *Server) Addrs() []netip.AddrPort {
	var list []netip.AddrPort
	for _, c := range s.udp {
		list = append(list, addr.Of(c.LocalAddr()))
	}
	return list
}

// String lists where the server listens.
func (s *Server) String() string {
	var list []string
	for _, a := range s.Addrs() {
		list = append(list, a.String())
	}
	return "rendezvous udp and tcp " + strings.Join(list, ", ")
}

// Ready says that the server can be used.
func (s *Server) Ready(ctx context.Context) {
	node.From(ctx).Ready(s.String(), slog.Any("listen", s.Addrs()))
}

// Serve serves until ctx is done.
func (s *Server) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range s.udp {
		g.Go(func() error { return s.serveUDP(ctx, c) })
	}
	slots := make(chan struct{}, s.config.MaxConnections)
	for _, l := range s.tcp {
		g.Go(func() error { return s.serveTCP(ctx, g, l, slots) })
	}
	g.Go(func() error { return s.sweep(ctx) })
	g.Go(func() error {
		<-ctx.Done()
		return s.close()
	})
	return g.Wait()
}

// sweep forgets who is silent.
func (s *Server) sweep(ctx context.Context) error {
	t := time.NewTicker(max(s.config.Limits.Lifetime/10, time.Millisecond))
	defer t.Stop()
	for {
		select {
		case now := <-t.C:
			s.meetings.expire(now)
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Server) close() error {
	var faults []error
	for _, c := range s.udp {
		faults = append(faults, c.Close())
	}
	for _, l := range s.tcp {
		faults = append(faults, l.Close())
	}
	return errors.Join(faults...)
}

// answer is what a request gets at once; nil if that comes over its line. A registration
// that was taken is returned.
func (s *Server) answer(now time.Time, m Message, l line) (Message, *Register) {
	from := l.remote()
	switch m := m.(type) {
	case *Hello:
		return &Challenge{s.cookies.make(now, from, m.ID), from}, nil
	case *Register:
		if !s.cookies.good(m.Cookie, now, from, m.ID) {
			return &Challenge{s.cookies.make(now, from, m.ID), from}, nil
		}
		if !m.isSigned() {
			return &Refused{ReasonForged}, nil
		}
		taken := *m // m is the table's from here on
		if reason := s.meetings.register(now, m, l); reason != 0 {
			return &Refused{reason}, nil
		}
		return nil, &taken
	}
	return &Refused{ReasonMalformed}, nil
}
