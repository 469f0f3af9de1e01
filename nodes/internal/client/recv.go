package client

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// settle is how long a message without an end may pause before it is taken for
// complete.
const settle = 50 * time.Millisecond

// recv is one recv of at most size bytes; no bytes are the server's FIN.
func (s *stream) recv(size int) ([]byte, error) {
	if err := s.limit(); err != nil {
		return nil, err
	}
	b := make([]byte, size)
	n, err := s.socket.Read(b)
	if err != nil && err != io.EOF {
		return nil, s.fail("recv", err)
	}
	return b[:n], nil
}

// recvSettled reads a message that nothing ends: until whole says that nothing can
// be missing, or nothing more has come for a while.
func (s *stream) recvSettled(size int, whole func([]byte) bool) ([]byte, error) {
	message, err := s.recv(size)
	for err == nil && len(message) > 0 && len(message) < size && !whole(message) {
		if err := s.socket.SetReadDeadline(time.Now().Add(settle)); err != nil {
			return nil, err
		}
		b := make([]byte, size-len(message))
		n, readErr := s.socket.Read(b)
		message = append(message, b[:n]...)
		switch {
		case errors.Is(readErr, os.ErrDeadlineExceeded), readErr == io.EOF: // the next recv says it again
			return message, nil
		case readErr != nil:
			return nil, s.fail("recv", readErr)
		}
	}
	return message, err
}

// send sends all of b.
func (s *stream) send(b []byte) error {
	if err := s.limit(); err != nil {
		return err
	}
	if _, err := s.socket.Write(b); err != nil {
		return s.fail("send", err)
	}
	return nil
}

// hungUp is the error of a server that ended the stream where an answer was due.
func (s *stream) hungUp(instead string) error {
	return errno.Wrap("recv", io.EOF, fmt.Sprintf("%v closed %s", s.remote, instead))
}

// finish ends this side and waits for the server to end its own: then it has read
// everything. It returns what else came, of which there should be nothing.
func (s *stream) finish() ([]byte, error) {
	if err := s.socket.CloseWrite(); err != nil {
		return nil, s.fail("shutdown", err)
	}
	if err := s.limit(); err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(io.LimitReader(s.socket, maxAnswer))
	if err != nil {
		return nil, s.fail("recv", err)
	}
	return rest, nil
}
