package stun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
)

// idleLimit ends a connection on which no question comes: it is the client's to close
// (RFC 8489 section 6.2.2), but clients vanish.
const idleLimit = time.Minute

// serveTCP accepts until ctx is done, and leaves each connection to a goroutine of g.
func (s *Server) serveTCP(ctx context.Context, g *errgroup.Group, at spot) error {
	for c := range backoff.Accept(ctx, s.tcp[at.addr][at.port], s.journal.failed) {
		g.Go(func() error {
			s.serveStream(ctx, &stream{TCPConn: c}, at)
			return nil
		})
	}
	return nil
}

// stream is a client's connection. Answers are written whole, whoever writes them.
type stream struct {
	*net.TCPConn
	mu sync.Mutex
}

func (c *stream) send(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.SetWriteDeadline(time.Now().Add(idleLimit)); err != nil {
		return err
	}
	_, err := c.Write(b)
	return err
}

// serveStream answers the questions of a connection. Its end, whatever it is, is not
// the server's.
func (s *Server) serveStream(ctx context.Context, c *stream, at spot) {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	defer c.Close()
	// Who has left needs no call any more.
	calling, leave := context.WithCancel(ctx)
	var calls errgroup.Group
	calls.SetLimit(maxCalls)
	defer calls.Wait()
	defer leave()

	remote := addr.Of(c.RemoteAddr())
	for {
		b, err := readMessage(c)
		q := question{raw: b, at: at, from: remote, stream: true}
		if errors.Is(err, errMalformed) {
			// Where the next message begins is not known any more.
			s.journal.ignored("tcp", q, s.config.at(at), err)
			return
		}
		if err != nil {
			return
		}
		a, err := s.config.answer(q)
		switch {
		case errors.Is(err, errMalformed):
			s.journal.ignored("tcp", q, s.config.at(at), err)
			return
		case err != nil:
			s.journal.ignored("tcp", q, s.config.at(at), err)
		case a.from != at:
			calls.Go(func() error {
				s.callBack(ctx, calling, c, q, a)
				return nil
			})
		default:
			if c.send(a.message) != nil {
				return
			}
			s.journal.answered("tcp", s.config, q, a)
		}
	}
}

// readMessage reads the bytes of one message.
func readMessage(c *stream) ([]byte, error) {
	if err := c.SetReadDeadline(time.Now().Add(idleLimit)); err != nil {
		return nil, err
	}
	return ReadMessage(c)
}

// ReadMessage reads the bytes of one message from a stream, on which messages follow
// each other without anything in between (RFC 8489 section 6.2.2). An error of the
// reader is returned as it is; io.EOF only between messages.
func ReadMessage(r io.Reader) ([]byte, error) {
	header := make([]byte, HeaderSize)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	size, err := Size(header)
	if err != nil {
		return header, err
	}
	b := append(header, make([]byte, size-HeaderSize)...)
	if _, err := io.ReadFull(r, b[HeaderSize:]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("the rest of a message of %d bytes: %w", size, err)
	}
	return b, nil
}
