package rendezvous

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
)

// outbox is how many messages wait for a client that does not read before it is cut off.
const outbox = 16

// tcpLine is the way to a client over its connection.
type tcpLine struct {
	conn *net.TCPConn
	from netip.AddrPort

	handOver  chan struct{} // closed when the connection is the carrier's
	delivered chan struct{} // closed when everything in the outbox is written

	mu          sync.Mutex
	transaction Transaction
	out         chan []byte
	closed      bool
}

func (l *tcpLine) remote() netip.AddrPort { return l.from }

// send puts a message into the outbox, and never waits.
func (l *tcpLine) send(m Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	select {
	case l.out <- Append(nil, l.transaction, m):
	default:
		l.conn.Close()
	}
}

func (l *tcpLine) use(t Transaction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.transaction = t
}

// finish lets nothing more into the outbox.
func (l *tcpLine) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.out)
	}
}

// deliver writes what is in the outbox until it is finished.
func (l *tcpLine) deliver(limit time.Duration) {
	defer close(l.delivered)
	for b := range l.out {
		if l.conn.SetWriteDeadline(time.Now().Add(limit)) != nil {
			continue
		}
		if _, err := l.conn.Write(b); err != nil {
			l.conn.Close()
		}
	}
}

// waitDelivered waits for that, and takes away the limits that are on the connection.
func (l *tcpLine) waitDelivered() {
	<-l.delivered
	_ = l.conn.SetDeadline(time.Time{}) // fails on a closed connection, as all else on it
}

// serveTCP accepts until ctx is done, and leaves each connection to a goroutine of g.
func (s *Server) serveTCP(ctx context.Context, g *errgroup.Group, listener *net.TCPListener, slots chan struct{}) error {
	for c := range backoff.Accept(ctx, listener, s.journal.failed) {
		select {
		case slots <- struct{}{}:
		default:
			s.journal.refused("tcp", addr.Of(c.RemoteAddr()), ReasonFull.String())
			c.Close()
			continue
		}
		g.Go(func() error {
			defer func() { <-slots }()
			s.serveStream(ctx, c)
			return nil
		})
	}
	return nil
}

// serveStream serves one connection. Its end, whatever it is, is not the server's.
func (s *Server) serveStream(ctx context.Context, c *net.TCPConn) {
	// By an RST: that the server stops is not the partner's end, and must not look like it.
	stop := context.AfterFunc(ctx, func() { _ = c.SetLinger(0); c.Close() })
	defer stop()
	defer c.Close()
	registered, ok := s.halfOpen.enter(addr.Of(c.RemoteAddr()))
	if !ok {
		s.journal.refused("tcp", addr.Of(c.RemoteAddr()), ReasonSource.String())
		return
	}
	defer registered()
	l := &tcpLine{
		conn: c, from: addr.Of(c.RemoteAddr()), out: make(chan []byte, outbox),
		handOver: make(chan struct{}), delivered: make(chan struct{}),
	}
	go l.deliver(s.config.HalfOpen)
	id, carried := s.converse(c, l, registered)
	if carried && stop() { // from now on the carrier ends it, by an RST
		s.pairs.stream(ctx, l, s.config.Limits.Lifetime)
	}
	l.finish()
	<-l.delivered
	if id != (ID{}) {
		s.meetings.hangUp(id, l)
	}
}

// converse answers the requests of a connection until its end, or until it is the
// carrier's. It returns the meeting that the client registered for, and calls registered
// when it did.
func (s *Server) converse(c *net.TCPConn, l *tcpLine, registered func()) (id ID, carried bool) {
	begin := time.Now()
	for {
		limit := begin.Add(s.config.HalfOpen) // for the whole of the time before it registers
		if id != (ID{}) {
			limit = time.Now().Add(s.config.Limits.Lifetime)
		}
		if c.SetReadDeadline(limit) != nil {
			return id, false
		}
		b, err := ReadMessage(c)
		if err != nil {
			s.broken(l, id, err)
			return id, false
		}
		transaction, m, err := Parse(b)
		if err != nil {
			s.broken(l, id, err)
			return id, false
		}
		l.use(transaction)
		answer, taken := s.answer(time.Now(), m, l)
		if answer != nil {
			l.send(answer)
		}
		if r, ok := answer.(*Refused); ok {
			s.journal.refused("tcp", l.from, r.Reason.String())
			return id, false
		}
		if taken == nil {
			continue
		}
		registered()
		if id = taken.ID; taken.State == StateLeft {
			return ID{}, false
		}
		if s.pairs != nil && taken.State == StateTold {
			return id, true
		}
	}
}

// broken says why a connection ends, if the client did not just close it.
func (s *Server) broken(l *tcpLine, id ID, err error) {
	var timeout net.Error
	switch {
	case errors.Is(err, ErrMalformed):
		l.send(&Refused{ReasonMalformed})
		s.journal.refused("tcp", l.from, err.Error())
	case errors.As(err, &timeout) && timeout.Timeout():
		limit := s.config.HalfOpen
		if id != (ID{}) {
			limit = s.config.Limits.Lifetime
		}
		s.journal.refused("tcp", l.from, fmt.Sprintf("nothing came for %v", limit))
	}
}

// ReadMessage reads the bytes of one message from a stream, and no byte more.
func ReadMessage(r io.Reader) ([]byte, error) { return new(reading).next(r) }

// A reading is of messages that may come in parts: what was read before an error, such as
// a deadline that has passed, is the beginning of what the next call returns.
type reading struct{ b []byte }

// next reads up to the end of a message.
func (p *reading) next(r io.Reader) ([]byte, error) {
	if err := p.fill(r, headerSize); err != nil {
		return nil, err
	}
	size, err := Size(p.b)
	if err != nil {
		return nil, err
	}
	if err := p.fill(r, size); err != nil {
		return nil, err
	}
	b := p.b
	p.b = nil
	return b, nil
}

// fill reads until there are n bytes.
func (p *reading) fill(r io.Reader, n int) error {
	if len(p.b) >= n {
		return nil
	}
	if p.b == nil {
		p.b = make([]byte, 0, MaxMessage)
	}
	got, err := io.ReadFull(r, p.b[len(p.b):n])
	p.b = p.b[:len(p.b)+got]
	if err == io.EOF && len(p.b) > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}
