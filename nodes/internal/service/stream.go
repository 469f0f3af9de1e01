package service

import (
	"context"
	"net"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
)

// streams is a service's TCP listener.
type streams struct {
	tcp     *net.TCPListener
	spec    Spec
	opt     Options
	journal journal
}

func listenStream(ctx context.Context, spec Spec, opt Options, j journal) (*streams, error) {
	lc := net.ListenConfig{Control: askForTTL}
	// Go would listen with Multipath TCP, where what a lesson shows is TCP.
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(ctx, addr.Network("tcp", spec.Addr), spec.Addr.String())
	if err != nil {
		return nil, bindError(spec, err)
	}
	return &streams{tcp: l.(*net.TCPListener), spec: spec, opt: opt, journal: j}, nil
}

func (l *streams) service() string { return l.spec.Name }
func (l *streams) String() string  { return "tcp " + addr.Of(l.tcp.Addr()).String() }
func (l *streams) close() error    { return l.tcp.Close() }

// serve accepts until ctx is done, and leaves each connection to a goroutine of g,
// unless clients are to be served one after the other.
func (l *streams) serve(ctx context.Context, g *errgroup.Group) error {
	for c := range backoff.Accept(ctx, l.tcp, l.journal.failed) {
		if l.opt.OneByOne {
			l.handle(ctx, c)
			continue
		}
		g.Go(func() error {
			l.handle(ctx, c)
			return nil
		})
	}
	return nil
}

// handle serves one connection. Its end, whatever it is, is not the server's.
func (l *streams) handle(ctx context.Context, tcp *net.TCPConn) {
	defer tcp.Close()
	c := newConn(tcp, l.journal, l.opt.Idle)
	stop := context.AfterFunc(ctx, func() { tcp.Close() })
	defer stop()
	l.journal.accepted(c.remote, addr.Of(tcp.LocalAddr()), handshakeTTL(tcp))
	err := l.spec.Handlers.Stream(ctx, c)
	tcp.Close()
	l.journal.closed(ctx, c.remote, err)
}
