package service

import (
	"context"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/observe"
)

// stunSize is the length of the question for the observed address.
const stunSize = 20

// recv is Read with exactly one recv of len(p) bytes. Read must take more than 20
// bytes from the kernel, to tell the question for the observed address from data,
// so where p has not the room, recv looks first what there is.
func (c *Conn) recv(p []byte) (int, error) {
	if len(p) > stunSize {
		return c.Read(p)
	}
	for {
		asked, err := c.peekQuestion()
		if err != nil {
			return 0, err
		}
		if !asked {
			break
		}
		if err := c.answerQuestion(); err != nil {
			return 0, err
		}
	}
	n, err := c.socket.Read(p)
	if n > 0 {
		c.journal.received(c.remote, p[:n])
	}
	return n, err
}

// peekQuestion waits until there is something to read and reports whether that is
// the question for the observed address.
func (c *Conn) peekQuestion() (bool, error) {
	if c.idle > 0 {
		if err := c.socket.SetReadDeadline(time.Now().Add(c.idle)); err != nil {
			return false, err
		}
	}
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return false, err
	}
	var b [stunSize + 1]byte
	var n int
	var peekErr error
	err = raw.Read(func(fd uintptr) bool {
		n, _, peekErr = unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK)
		return peekErr != unix.EAGAIN && peekErr != unix.EINTR
	})
	if err == nil && peekErr != nil {
		err = errno.Wrap("recvfrom", peekErr, "")
	}
	if err != nil {
		return false, exceeded("idle", c.idle, err)
	}
	return observe.IsRequest(b[:n]), nil
}

// answerQuestion reads the question, which is there, and answers it.
func (c *Conn) answerQuestion() error {
	var request [stunSize]byte
	if _, err := io.ReadFull(c.socket, request[:]); err != nil {
		return err
	}
	response, err := observe.Response(request[:], c.remote)
	if err != nil {
		return err
	}
	if _, err := c.socket.Write(response); err != nil {
		return err
	}
	c.journal.observed(c.remote)
	return nil
}

// endLook is how often waitForEnd looks whether the server is to end.
const endLook = 100 // ms

// waitForEnd waits until the client has ended its side, reading nothing: until
// poll reports POLLRDHUP.
func (c *Conn) waitForEnd(ctx context.Context) error {
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return err
	}
	for begin := time.Now(); ctx.Err() == nil; {
		if c.idle > 0 && time.Since(begin) > c.idle {
			return &limitError{"idle", c.idle}
		}
		var ended bool
		var pollErr error
		err := raw.Control(func(fd uintptr) {
			fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
			_, pollErr = unix.Poll(fds, endLook)
			ended = fds[0].Revents != 0
		})
		switch {
		case err != nil:
			return err
		case pollErr != nil && pollErr != unix.EINTR:
			return errno.Wrap("poll", pollErr, "")
		case ended:
			return nil
		}
	}
	return context.Cause(ctx)
}
