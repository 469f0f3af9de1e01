package tunnel

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
)

// udpPublisher receives outside datagrams and carries them in streams, one for each
// source.
type udpPublisher struct {
	conn    *datagram.Conn
	client  *attached
	port    Publication
	waiting atomic.Int64 // bytes in the queues of all sessions

	mu       sync.Mutex
	sessions map[datagram.Info]*udpSession // by source, and by the address it sent to
	full     bool                          // it was said that there are too many
	running  sync.WaitGroup
}

func publishUDP(ctx context.Context, a *attached, p Publication) (publisher, error) {
	c, err := datagram.Listen(ctx, p.at(a.relay.options.Publish))
	if err != nil {
		return nil, err
	}
	return &udpPublisher{conn: c, client: a, port: p, sessions: map[datagram.Info]*udpSession{}}, nil
}

func (l *udpPublisher) at() netip.AddrPort { return addr.Of(l.conn.LocalAddr()) }

func (l *udpPublisher) close() { l.conn.Close() }

func (l *udpPublisher) serve(ctx context.Context) {
	defer context.AfterFunc(ctx, l.close)()
	defer l.running.Wait()
	buf := make([]byte, datagram.MaxSize)
	delay := backoff.First
	for {
		n, info, err := l.conn.Receive(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			delay = backoff.Pause(ctx, delay)
			continue
		}
		delay = backoff.First
		info.TTL = 0
		if s := l.session(ctx, info); s != nil {
			s.queue(buf[:n])
		}
	}
}

// session returns the session of a source, a new one if there is none, or nil if there
// are too many.
func (l *udpPublisher) session(ctx context.Context, info datagram.Info) *udpSession {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.sessions[info]; s != nil {
		return s
	}
	r := l.client.relay
	if len(l.sessions) >= r.options.MaxSessions {
		if !l.full {
			l.full = true
			r.printLimited(l)
		}
		return nil
	}
	l.full = false
	s := newUDPSession(l, info)
	l.sessions[info] = s
	l.running.Go(func() { s.run(ctx) })
	return s
}

func (l *udpPublisher) forget(s *udpSession) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sessions, s.key)
}
