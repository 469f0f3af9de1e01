package service

import (
	"bufio"
	"errors"
	"io"
	"os"
	"time"
)

// requests reads the requests of a client whose protocol has no delimiter. The
// tutorials take what one recv returns for a request; but a request may arrive in
// pieces, and several may arrive as one. So a request is complete when its bytes
// say so, and otherwise when nothing more has come for a while.
type requests struct {
	*bufio.Reader
	conn   *Conn
	settle time.Duration
	limit  time.Duration // for the read in progress; 0: only the connection's own
}

// requestSize is the most bytes of a request; what is longer is taken for two, as
// by a recv of this size.
const requestSize = 1024

// roomToTell is how much larger the buffer is: a read of 20 bytes or fewer could not tell
// the question for the observed address from data.
const roomToTell = 64

// newRequests reads requests from c, which are complete when nothing more comes for
// the time settle.
func newRequests(c *Conn, settle time.Duration) *requests {
	r := &requests{conn: c, settle: settle}
	r.Reader = bufio.NewReaderSize(source{r}, requestSize+roomToTell)
	return r
}

// source is the reader below the buffer.
type source struct{ r *requests }

func (s source) Read(p []byte) (int, error) {
	if s.r.limit == 0 {
		return s.r.conn.Read(p)
	}
	return s.r.conn.readWithin(p, s.r.limit)
}

// next returns the next request, valid until the next read. The function whole
// returns how many bytes at the beginning of b are a request for certain, or 0 if
// it may go on.
func (r *requests) next(whole func(b []byte) int) ([]byte, error) {
	for {
		b, _ := r.Peek(min(r.Buffered(), requestSize))
		n := whole(b)
		if n == 0 && len(b) == requestSize {
			n = len(b)
		}
		if n > 0 {
			return r.take(n)
		}
		err := r.more()
		switch {
		case err == nil:
		case r.Buffered() == 0:
			return nil, err
		case errors.Is(err, os.ErrDeadlineExceeded), err == io.EOF: // the next read says it again
			return r.take(r.Buffered())
		default:
			return nil, err
		}
	}
}

// more waits for more bytes than there are: for the first as long as the
// connection's idle limit lets it, for others only a little.
func (r *requests) more() error {
	if r.Buffered() > 0 {
		r.limit = r.settle
		defer func() { r.limit = 0 }()
	}
	_, err := r.Peek(r.Buffered() + 1)
	return err
}

func (r *requests) take(n int) ([]byte, error) {
	b, err := r.Peek(n)
	if err != nil {
		return nil, err
	}
	_, err = r.Discard(n)
	return b, err
}

// within has a read take at most the time d for each piece that comes.
func (r *requests) within(d time.Duration, read func() error) error {
	r.limit = d
	defer func() { r.limit = 0 }()
	return read()
}

// readWithin is Read with a limit of its own.
func (c *Conn) readWithin(p []byte, limit time.Duration) (int, error) {
	if err := c.socket.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return 0, err
	}
	n, err := c.observed.Read(p)
	if n > 0 {
		c.journal.received(c.remote, p[:n])
	}
	if err := c.socket.SetReadDeadline(time.Time{}); err != nil {
		return n, err
	}
	return n, err
}
