package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/batch"
)

// session carries the datagrams of one source: to the target from a socket of its own,
// so that the target tells sources apart, and the target's answers back.
type session struct {
	listener *udpListener
	key      sessionKey
	conn     *batch.Conn // connected to the target
	tuples   tuples
	answers  batch.Destination // the client, from the address that it knows
	began    time.Time

	moved       atomic.Int64 // when, in nanoseconds after began
	forth, back traffic
	troubled    atomic.Pointer[syscall.Errno] // the last error, until a datagram arrives
}

// traffic counts what was carried in one direction.
type traffic struct {
	datagrams, bytes atomic.Int64
}

// String words the traffic for people.
func (t *traffic) String() string {
	return fmt.Sprintf("%s (%s)", count(t.datagrams.Load(), "datagram"), count(t.bytes.Load(), "byte"))
}

func (t *traffic) add(datagrams, bytes int) {
	t.datagrams.Add(int64(datagrams))
	t.bytes.Add(int64(bytes))
}

func newSession(l *udpListener, key sessionKey, from *batch.Name) (*session, error) {
	c, err := net.DialUDP("udp", nil, l.target)
	if err != nil {
		return nil, err
	}
	conn, err := batch.New(c)
	if err != nil {
		c.Close()
		return nil, err
	}
	name := *from // which is the batch's
	listen := l.addr()
	if key.local.IsValid() {
		listen = netip.AddrPortFrom(key.local.Unmap(), listen.Port())
	}
	s := &session{
		listener: l, key: key, conn: conn, began: time.Now(),
		tuples: tuples{
			protocol: UDP,
			client:   netip.AddrPortFrom(key.client.Addr().Unmap(), key.client.Port()), listen: listen,
			local: transportAddress(conn.LocalAddr()), target: transportAddress(conn.RemoteAddr()),
		},
		answers: batch.Destination{To: &name, Control: marshalLocal(key.local)},
	}
	l.relay.printConnected(s.tuples)
	return s, nil
}

// touch begins the session's lifetime again.
func (s *session) touch() { s.moved.Store(int64(time.Since(s.began))) }

func (s *session) lastMoved() time.Time { return s.began.Add(time.Duration(s.moved.Load())) }

// forward sends messages of b, which are the client's, to the target.
func (s *session) forward(b *batch.Batch, messages []batch.Message) {
	s.forth.add(s.conn.Send(b, messages, batch.Destination{}, s.trouble))
}

// run carries the target's answers until the session ends.
func (s *session) run() {
	e := end{why: stopped}
	defer func() {
		s.conn.Close()
		s.listener.relay.printSession(s, e)
	}()
	_ = s.conn.SetReadDeadline(s.began.Add(s.listener.options.Lifetime))
	for {
		err := s.answer()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			ended, next := s.listener.expire(s, time.Now())
			if ended {
				e = end{why: expired, time: s.listener.options.Lifetime}
				return
			}
			_ = s.conn.SetReadDeadline(next)
		case err != nil:
			s.trouble(err)
		}
	}
}

// answer waits for datagrams of the target and carries them to the client.
func (s *session) answer() error {
	b, err := s.conn.Receive()
	if err != nil {
		return err
	}
	defer b.Release()
	s.touch()
	s.troubled.Store(nil)
	s.back.add(s.listener.conn.Send(b, b.Messages, s.answers, s.trouble))
	return nil
}

// trouble tells of an error, which most often is an ICMP message, and only once until
// it is another or the target has answered.
func (s *session) trouble(err error) {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return
	}
	if last := s.troubled.Swap(&no); last == nil || *last != no {
		s.listener.relay.printTrouble(s.tuples, no)
	}
}
