package turn

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// tcpSide is the clients that come over TCP.
type tcpSide struct {
	clients
	listener *net.TCPListener
	listen   netip.AddrPort
	slots    chan struct{}

	connsMu sync.RWMutex
	conns   map[flow]*stream
}

func listenTCP(ctx context.Context, s *Server, at netip.AddrPort) (*tcpSide, error) {
	lc := net.ListenConfig{}
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(ctx, addr.Network("tcp", at), at.String())
	if err != nil {
		return nil, errno.Wrap("", err, "tcp "+at.String())
	}
	return &tcpSide{
		clients: newClients(s), listener: l.(*net.TCPListener), listen: addr.Of(l.Addr()),
		slots: make(chan struct{}, s.config.MaxConnections), conns: map[flow]*stream{},
	}, nil
}

func (t *tcpSide) protocol() string     { return "tcp" }
func (t *tcpSide) addr() netip.AddrPort { return t.listen }
func (t *tcpSide) close()               { t.listener.Close() }

// serve accepts clients until ctx is done, and returns when the last has left.
func (t *tcpSide) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, t.close)
	defer stop()
	var g errgroup.Group
	defer g.Wait()
	delay := backoff.First
	for {
		select {
		case t.slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		c, err := t.listener.AcceptTCP()
		if ctx.Err() != nil {
			if err == nil {
				return c.Close()
			}
			return nil
		}
		if err != nil {
			<-t.slots
			t.relay.journal.failed(errno.Wrap("accept", err, ""))
			delay = backoff.Pause(ctx, delay)
			continue
		}
		delay = backoff.First
		g.Go(func() error {
			defer func() { <-t.slots }()
			t.serveClient(ctx, c)
			return nil
		})
	}
}

// serveClient serves a connection. Its allocation ends with it (RFC 8656 section 3.1:
// the 5-tuple is no more).
func (t *tcpSide) serveClient(ctx context.Context, c *net.TCPConn) {
	s := newStream(t, c)
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	t.connsMu.Lock()
	t.conns[s.flow] = s
	t.connsMu.Unlock()
	why := s.run()
	t.connsMu.Lock()
	delete(t.conns, s.flow)
	t.connsMu.Unlock()
	if ctx.Err() != nil {
		why = stops
	}
	if a := t.find(s.flow); a != nil {
		a.end(why)
	}
	if why != stops && why != left {
		t.relay.journal.hungUp(s.flow, why)
	}
}

func (t *tcpSide) send(f flow, b []byte) error {
	t.connsMu.RLock()
	s := t.conns[f]
	t.connsMu.RUnlock()
	if s == nil {
		return net.ErrClosed
	}
	return s.enqueueFrame(b)
}

// maxQueued is how many bytes may wait for a client. Data that does not fit is dropped,
// as it would be on its way to a slow host over UDP.
const maxQueued = 256 << 10
