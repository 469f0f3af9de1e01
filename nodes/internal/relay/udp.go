package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/batch"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// listenBuffer is what the kernel may hold of datagrams that no session has yet, in
// bytes, if its limit allows (net.core.rmem_max): several clients' bursts arrive
// at one socket.
const listenBuffer = 1 << 20

// udpListener receives datagrams and carries them in sessions, one for each source.
type udpListener struct {
	conn    *batch.Conn
	forward Forward
	target  *net.UDPAddr
	options Options
	relay   *Relay
	full    spell

	mu       sync.Mutex
	sessions map[sessionKey]*session
	running  sync.WaitGroup
}

// sessionKey is what datagrams of one session have in common: their source, and the
// address of the relay that they were sent to, from which the answers must come.
type sessionKey struct {
	client netip.AddrPort
	local  netip.Addr // zero where the listener has but one
}

func listenUDP(ctx context.Context, f Forward, o Options, r *Relay) (listener, error) {
	target, err := net.ResolveUDPAddr("udp", f.Target)
	if err != nil {
		return nil, fmt.Errorf("udp target: %w", err)
	}
	c, err := new(net.ListenConfig).ListenPacket(ctx, f.network(), f.listen())
	if err != nil {
		return nil, errno.Wrap("", err, "udp "+f.listen())
	}
	conn, err := batch.New(c.(*net.UDPConn))
	if err != nil {
		c.Close()
		return nil, errno.Wrap("", err, "udp "+f.listen())
	}
	_ = conn.SetReadBuffer(listenBuffer)
	l := &udpListener{
		conn: conn, forward: f, target: target, options: o, relay: r,
		sessions: map[sessionKey]*session{},
	}
	if l.wildcard() {
		if err := askForLocal(l.conn.UDPConn); err != nil {
			c.Close()
			return nil, errno.Wrap("setsockopt", err, "udp "+f.listen())
		}
	}
	return l, nil
}

// wildcard reports whether the listener receives what is sent to any address of the host.
func (l *udpListener) wildcard() bool {
	return !l.forward.Listen.Addr().IsValid() || l.forward.Listen.Addr().IsUnspecified()
}

func (l *udpListener) addr() netip.AddrPort { return transportAddress(l.conn.LocalAddr()) }

func (l *udpListener) close() { l.conn.Close() }

func (l *udpListener) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, l.close)
	defer stop()
	defer l.endSessions()
	delay := backoff.First
	for {
		b, err := l.conn.Receive()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			delay = backoff.Pause(ctx, delay) // the kernel lacks memory
			continue
		}
		delay = backoff.First
		l.carry(b)
		b.Release()
	}
}

// carry sends each session's messages to its target. Sessions take turns in the order
// in which their first messages came; within a session the order stays.
func (l *udpListener) carry(b *batch.Batch) {
	for rest := b.Messages; len(rest) > 0; {
		key := l.key(&rest[0])
		n := 1 // messages of this session, moved to the front of the rest
		for i := 1; i < len(rest); i++ {
			if l.key(&rest[i]) == key {
				m := rest[i]
				copy(rest[n+1:i+1], rest[n:i])
				rest[n] = m
				n++
			}
		}
		if s := l.session(key, rest[0].From); s != nil {
			s.forward(b, rest[:n])
		}
		rest = rest[n:]
	}
}

func (l *udpListener) key(m *batch.Message) sessionKey {
	return sessionKey{client: m.From.AddrPort(), local: m.Local}
}

// session returns the session of key, a new one if there is none, or nil if there
// cannot be one. Its lifetime begins again.
func (l *udpListener) session(key sessionKey, from *batch.Name) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.sessions[key]; s != nil {
		s.touch()
		return s
	}
	if len(l.sessions) >= l.options.MaxSessions {
		if l.full.begins() {
			l.relay.printLimited(l.forward, count(int64(len(l.sessions)), "session")+" (--max-sessions); datagrams of others are dropped")
		}
		return nil
	}
	s, err := newSession(l, key, from)
	if err != nil {
		if l.full.begins() {
			l.relay.printLimited(l.forward, errno.Wrap("", err, "datagrams are dropped").Error())
		}
		return nil
	}
	l.full.ends()
	l.sessions[key] = s
	l.running.Go(s.run)
	return s
}

// expire ends s if it has been silent for its lifetime; if not, it returns when it
// will have been.
func (l *udpListener) expire(s *session, now time.Time) (ended bool, next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next = s.lastMoved().Add(l.options.Lifetime)
	if now.Before(next) {
		return false, next
	}
	delete(l.sessions, s.key)
	return true, next
}

// endSessions ends all sessions, since the relay is to stop.
func (l *udpListener) endSessions() {
	l.mu.Lock()
	for _, s := range l.sessions {
		s.conn.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
}
