package tunnel

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/yamux"

	"github.com/crosslan/crosslan/nodes/internal/datagram"
)

// udpSession carries the datagrams of one outside source in one stream. Datagrams that
// the stream cannot take at once wait in a short queue, and are dropped when that is
// full: a line that is slow must not become a line that is late.
type udpSession struct {
	publisher *udpPublisher
	key       datagram.Info
	waiting   chan []byte
	began     time.Time

	moved       atomic.Int64 // when, in nanoseconds after began
	forth, back traffic
	dropped     atomic.Int64
}

// traffic counts what was carried in one direction.
type traffic struct {
	datagrams, bytes atomic.Int64
}

func (t *traffic) add(n int) {
	t.datagrams.Add(1)
	t.bytes.Add(int64(n))
}

// String words the traffic for people.
func (t *traffic) String() string {
	return fmt.Sprintf("%s (%s)", count(t.datagrams.Load(), "datagram"), count(t.bytes.Load(), "byte"))
}

func newUDPSession(l *udpPublisher, key datagram.Info) *udpSession {
	return &udpSession{publisher: l, key: key, waiting: make(chan []byte, datagramQueue), began: time.Now()}
}

func (s *udpSession) touch() { s.moved.Store(int64(time.Since(s.began))) }

// left is how long the session lives if nothing moves.
func (s *udpSession) left() time.Duration {
	silent := time.Since(s.began) - time.Duration(s.moved.Load())
	return s.publisher.client.relay.options.Lifetime - silent
}

// queue has a datagram of the source sent, or drops it.
func (s *udpSession) queue(b []byte) {
	s.touch()
	size := int64(len(b))
	if s.publisher.waiting.Add(size) <= datagramQueueBytes {
		select {
		case s.waiting <- bytes.Clone(b):
			return
		default:
		}
	}
	s.publisher.waiting.Add(-size)
	s.dropped.Add(1)
}

// run carries until the session has been silent for its lifetime, or ctx is cancelled.
func (s *udpSession) run(ctx context.Context) {
	r := s.publisher.client.relay
	o := opening{Publication: s.publisher.port, source: s.key.From, dialed: s.publisher.at()}
	r.printAccepted(s.publisher.client, o)
	e := s.carry(ctx, o)
	s.publisher.forget(s)
	for len(s.waiting) > 0 {
		s.publisher.waiting.Add(-int64(len(<-s.waiting)))
	}
	r.printSession(s, o, e)
}

func (s *udpSession) carry(ctx context.Context, o opening) end {
	stream, err := s.publisher.client.session.OpenStream()
	if err != nil {
		return end{why: lost}
	}
	defer context.AfterFunc(ctx, func() { closeStream(stream) })()
	over := make(chan end, 1)
	var answers sync.WaitGroup
	defer answers.Wait()
	defer closeStream(stream)
	if _, err := stream.Write(encodeOpening(o)); err != nil {
		return cut(stream, inside, err)
	}
	answers.Go(func() { over <- s.answers(stream) })
	return s.sendAll(stream, over)
}

// closeStream ends a stream and whoever waits for it.
func closeStream(s *yamux.Stream) {
	_ = s.SetDeadline(time.Unix(1, 0))
	s.Close()
}

// sendAll sends what is queued until the session is over.
func (s *udpSession) sendAll(stream *yamux.Stream, over <-chan end) end {
	lifetime := time.NewTimer(s.left())
	defer lifetime.Stop()
	frame := make([]byte, 0, 2048)
	for {
		select {
		case b := <-s.waiting:
			s.publisher.waiting.Add(-int64(len(b)))
			frame = append(frame[:0], 0, 0)
			putHeader(frame, len(b))
			frame = append(frame, b...)
			// A client that takes nothing keeps no session for longer.
			_ = stream.SetWriteDeadline(time.Now().Add(s.publisher.client.relay.options.Lifetime))
			if _, err := stream.Write(frame); err != nil {
				return cut(stream, inside, err)
			}
			s.forth.add(len(b))
		case <-lifetime.C:
			left := s.left()
			if left <= 0 {
				return end{why: expired, time: s.publisher.client.relay.options.Lifetime}
			}
			lifetime.Reset(left)
		case e := <-over:
			return e
		}
	}
}

// answers sends the source what comes from inside, until the stream ends.
func (s *udpSession) answers(stream *yamux.Stream) end {
	if err := readConnected(stream); err != nil {
		return cut(stream, inside, err)
	}
	for {
		err := readFrame(stream, func(b []byte) error {
			s.touch()
			// What cannot be sent is lost, as on any line.
			if s.publisher.conn.Reply(b, s.key) == nil {
				s.back.add(len(b))
			}
			return nil
		})
		if err != nil {
			return cut(stream, inside, err)
		}
	}
}
