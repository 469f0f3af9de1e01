package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/observe"
	"github.com/crosslan/crosslan/nodes/internal/service"
)

// stream is a conversation over TCP, or over what stands in for it (partner).
type stream struct {
	socket  service.Socket
	remote  addr.Remote
	timeout time.Duration
	events  *node.Events

	// receive reads the answer to a message.
	receive func(s *stream, message []byte) ([]byte, error)
}

// openStream returns how to open a conversation whose answers receive reads.
func openStream(receive func(*stream, []byte) ([]byte, error)) func(context.Context, addr.Remote, *options) (conversation, error) {
	return func(ctx context.Context, remote addr.Remote, o *options) (conversation, error) {
		s := &stream{remote: remote, timeout: o.timeout, events: node.From(ctx), receive: receive}
		tcp, err := o.tcp(ctx, remote, s.printConnected)
		if err != nil {
			return nil, err
		}
		if o.nagle {
			if err := tcp.SetNoDelay(false); err != nil {
				tcp.Close()
				return nil, errno.Wrap("setsockopt", err, remote.String())
			}
		}
		s.socket = tcp
		return s, nil
	}
}

func (s *stream) printConnected(c *net.TCPConn) {
	local, peer := addr.Of(c.LocalAddr()), addr.Of(c.RemoteAddr())
	s.events.Print("connected", fmt.Sprintf("%v -> %v", local, peer),
		slog.Any("local", local), slog.Any("remote", peer),
		slog.Any("getsockname", local), slog.Any("getpeername", peer))
}

func (s *stream) close() error { return s.socket.Close() }

// say sends a message and prints the answer.
func (s *stream) say(message []byte) error {
	if err := s.limit(); err != nil {
		return err
	}
	if _, err := s.socket.Write(message); err != nil {
		return s.fail("send", err)
	}
	if err := s.limit(); err != nil {
		return err
	}
	answer, err := s.receive(s, message)
	if err != nil {
		return err
	}
	s.events.Print("reply", string(answer), slog.String("text", string(answer)))
	return nil
}

// limit begins a step: it may take as long as --timeout says.
func (s *stream) limit() error {
	return s.socket.SetDeadline(time.Now().Add(s.timeout))
}

// sameLength reads as many bytes as the message has: a service that changes no
// length needs no end of a message, and the answer may come in pieces.
func sameLength(s *stream, message []byte) ([]byte, error) {
	answer := make([]byte, len(message))
	n, err := io.ReadFull(s.socket, answer)
	switch {
	case err == nil:
		return answer, nil
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, errno.Wrap("recv", io.EOF, fmt.Sprintf("%v closed after %d of %d bytes", s.remote, n, len(message)))
	}
	return nil, s.fail("recv", err)
}

// maxAnswer bounds an answer that ends with the connection.
const maxAnswer = 1 << 20

// untilEOF reads until the server closes.
func untilEOF(s *stream, _ []byte) ([]byte, error) {
	answer, err := io.ReadAll(io.LimitReader(s.socket, maxAnswer))
	if err != nil {
		return nil, s.fail("recv", err)
	}
	if len(answer) == 0 {
		return nil, errno.Wrap("recv", io.EOF, fmt.Sprintf("%v closed without an answer", s.remote))
	}
	return answer, nil
}

// observe asks for the observed address and prints it.
func (s *stream) observe() error {
	if err := s.limit(); err != nil {
		return err
	}
	seen, err := observe.Ask(s.socket)
	return printObserved(s.events, seen, err, s.timeout, s.fail)
}

// fail words the error of a call on the connection.
func (s *stream) fail(call string, err error) error {
	return failed(call, err, s.remote, s.timeout)
}

// failed words the error of a call: with its errno, or with the limit that ended it.
func failed(call string, err error, remote addr.Remote, limit time.Duration) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%s: timed out: %v after %s (--timeout)", call, remote, dial.Seconds(limit))
	}
	return errno.Wrap(call, err, remote.String())
}

// printObserved prints what came of the question for the observed address. That
// the other end does not know the question is no error; that it broke off is.
func printObserved(e *node.Events, seen netip.AddrPort, err error, limit time.Duration, fail func(string, error) error) error {
	switch {
	case err == nil:
		e.Print("observed", seen.String(), slog.Any("address", seen))
	case errors.Is(err, observe.ErrNotTold):
		e.Print("observed", fmt.Sprintf("not told (%v)", err), slog.Any("error", err))
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("no answer to STUN within %s", dial.Seconds(limit))
		e.Print("observed", fmt.Sprintf("not told (%v)", err), slog.Any("error", err))
	default:
		return fail("recv", err)
	}
	return nil
}
