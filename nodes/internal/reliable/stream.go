package reliable

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/crosslan/crosslan/nodes/internal/dial"
)

const (
	// packetSize is the size of QUIC's packets. With what a path adds to a datagram, and
	// the headers of IP and UDP, they fit into any link that IPv6 may use (1280 bytes).
	packetSize = 1200

	// forEver is QUIC's own idle time: the path knows when its other end is gone.
	forEver = 1000 * time.Hour
)

// Codes with which an end closes the connection or a stream (RFC 9000 section 20.2).
const (
	finished    = 0 // the other has taken everything
	interrupted = 1 // the program is to end
	late        = 2 // the other has not taken everything in time
	unread      = 3 // nobody reads what the other says any more
)

// Config is what the two ends of a path have settled before.
type Config struct {
	// Key is known to the two and to nobody else.
	Key []byte

	// Leads is true at one end, and false at the other.
	Leads bool

	// Limit is how long the other may take to answer at the beginning, and to take what
	// is on its way at the end.
	Limit time.Duration
}

// Stream is a socket whose other end is the path's: what is written there is read here. It
// is one of the kernel's, for callers that ask it with poll, recv and the like.
type Stream struct {
	*net.UnixConn               // the caller's end of a pair
	inner         *net.UnixConn // the other, which the two pumps below read and write
	path          Path
	limit         time.Duration
	transport     *quic.Transport
	conn          *quic.Conn

	said    chan error            // once: how it ended what the caller has said
	failure atomic.Pointer[error] // why not everything came that the other has said
	pumps   sync.WaitGroup
	stop    func() bool // takes back what the context's end does
	close   func() error
}

// Open makes a stream of a path. The other end must do so, too, within the limit. When ctx
// ends, so does the stream. Close comes before that of the path.
func Open(ctx context.Context, path Path, c Config) (*Stream, error) {
	s := &Stream{path: path, limit: c.Limit, transport: &quic.Transport{Conn: datagrams{path}}, said: make(chan error, 1)}
	if err := s.connect(ctx, c); err != nil {
		return nil, errors.Join(err, s.transport.Close())
	}
	var err error
	if s.UnixConn, s.inner, err = pair(); err != nil {
		return nil, errors.Join(err, s.conn.CloseWithError(interrupted, ""), s.transport.Close())
	}
	s.stop = context.AfterFunc(ctx, func() { _ = s.conn.CloseWithError(interrupted, "") })
	s.close = sync.OnceValue(func() error { return s.end(ctx) })
	s.pumps.Go(func() { s.said <- s.send() })
	s.pumps.Go(s.receive)
	return s, nil
}

// connect makes the QUIC connection.
func (s *Stream) connect(ctx context.Context, c Config) error {
	identified, err := security(c.Key, c.Leads)
	if err != nil {
		return err
	}
	config := &quic.Config{
		HandshakeIdleTimeout: c.Limit, MaxIdleTimeout: forEver, InitialPacketSize: packetSize,
		MaxIncomingStreams: 1, MaxIncomingUniStreams: -1,
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Limit, errNoAnswer)
	defer cancel()
	if c.Leads {
		s.conn, err = s.transport.Dial(ctx, s.path.RemoteAddr(), identified, config)
	} else {
		var l *quic.Listener
		if l, err = s.transport.Listen(identified, config); err == nil {
			s.conn, err = l.Accept(ctx)
		}
	}
	return s.word(ctx, err)
}

var errNoAnswer = errors.New("it does not answer by QUIC")

// word says in our words why the connection did not come about.
func (s *Stream) word(ctx context.Context, err error) error {
	var idle *quic.IdleTimeoutError
	var handshake *quic.HandshakeTimeoutError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%v has left: %w", s.path.RemoteAddr(), io.EOF)
	case errors.As(err, &idle), errors.As(err, &handshake), errors.Is(context.Cause(ctx), errNoAnswer):
		return fmt.Errorf("stream over UDP to %v: %w within %s: both sides must want a stream, as for files and chats", s.path.RemoteAddr(), errNoAnswer, dial.Seconds(s.limit))
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return fmt.Errorf("stream over UDP to %v: %w", s.path.RemoteAddr(), err)
}

// pair returns the two ends of a connection within this program.
func pair() (outer, inner *net.UnixConn, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socketpair")
		c, fileErr := net.FileConn(f) // has a descriptor of its own
		err = errors.Join(err, fileErr, f.Close())
		ends[i], _ = c.(*net.UnixConn)
	}
	if err != nil {
		for _, end := range ends {
			if end != nil {
				end.Close()
			}
		}
		return nil, nil, err
	}
	return ends[0], ends[1], nil
}

// send carries what the caller says, and returns when the other end has it all.
func (s *Stream) send() error {
	out, err := s.conn.OpenStream()
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, s.inner); err != nil {
		out.CancelWrite(interrupted) // does nothing after an error of the stream itself
		_ = s.inner.CloseRead()      // the caller's next write fails
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, out) // nothing, and its end
	return err
}

// receive carries what the other end says.
func (s *Stream) receive() {
	in, err := s.conn.AcceptStream(s.conn.Context())
	if err == nil {
		_, err = io.Copy(s.inner, in)
		switch {
		case errors.Is(err, syscall.EPIPE): // the caller has closed
			in.CancelRead(unread)
			in.CancelWrite(unread)
			return
		case err == nil:
			err = in.Close()
		}
	}
	if err != nil {
		err = brokenOff(err)
		s.failure.Store(&err)
	}
	_ = s.inner.CloseWrite() // fails if the caller has closed
}

// Read reads what the other end has said. It returns io.EOF only if that was all.
func (s *Stream) Read(b []byte) (int, error) {
	n, err := s.UnixConn.Read(b)
	if failure := s.failure.Load(); err == io.EOF && failure != nil {
		err = &net.OpError{Op: "read", Net: "udp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: *failure}
	}
	return n, err
}

// LocalAddr is the path's.
func (s *Stream) LocalAddr() net.Addr { return s.path.LocalAddr() }

// RemoteAddr is the path's.
func (s *Stream) RemoteAddr() net.Addr { return s.path.RemoteAddr() }

// Close waits until the other end has everything that was said, and closes. It fails if
// the other does not take it within the limit; not if Open's ctx has ended.
func (s *Stream) Close() error { return s.close() }

func (s *Stream) end(ctx context.Context) error {
	defer s.stop()
	err := s.UnixConn.Close()
	t := time.NewTimer(s.limit)
	defer t.Stop()
	var code quic.ApplicationErrorCode = finished
	select {
	case saidErr := <-s.said:
		if !over(saidErr) && ctx.Err() == nil {
			err = errors.Join(err, fmt.Errorf("stream over UDP to %v: %w", s.RemoteAddr(), saidErr))
		}
	case <-t.C:
		code = late
		err = errors.Join(err, fmt.Errorf("stream over UDP: %v has not taken everything within %s", s.RemoteAddr(), dial.Seconds(s.limit)))
	}
	err = errors.Join(err, s.conn.CloseWithError(code, ""))
	s.pumps.Wait()
	return errors.Join(err, s.inner.Close(), s.transport.Close())
}

// brokenOff words what came before the other end's last word. It is never io.EOF.
func brokenOff(err error) error {
	var closed *quic.ApplicationError
	var canceled *quic.StreamError
	if errors.Is(err, io.EOF) || errors.As(err, &closed) || errors.As(err, &canceled) {
		return fmt.Errorf("the other side has broken off: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// over reports whether there is nothing to complain of at the end: the other has
// everything, or has closed and wants no more of it, which a close of TCP does not tell
// apart either.
func over(err error) bool {
	var closed *quic.ApplicationError
	var canceled *quic.StreamError
	return err == nil || errors.Is(err, io.EOF) ||
		errors.As(err, &closed) && closed.ErrorCode == finished ||
		errors.As(err, &canceled) && canceled.ErrorCode == unread
}
