package api

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// errTimedOut is Python's TimeoutError, which has no errno: poll has seen nothing
// come.
var errTimedOut = errors.New("timed out")

// setBlocking is Python's setblocking.
func (s *story) setBlocking(fd int, blocking bool, note text) {
	word := "False"
	if blocking {
		word = "True"
	}
	_ = s.python(newCall("setblocking", note, fd, word), func() (string, error) {
		s.remember(fd, blocking, 0)
		return "", s.fcntl(fd, blocking)
	})
}

// setTimeout is Python's settimeout: the socket no longer blocks, and poll waits
// before each of its calls.
func (s *story) setTimeout(fd int, d time.Duration, note text) {
	_ = s.python(newCall("settimeout", note, fd, seconds(d)), func() (string, error) {
		s.remember(fd, false, d)
		return "", s.fcntl(fd, false)
	})
}

// remember keeps what Python keeps of a socket beside the kernel. A socket that does
// not block at all has a timeout of 0.
func (s *story) remember(fd int, blocking bool, d time.Duration) {
	if s.timeouts == nil {
		s.timeouts = make(map[int]time.Duration)
	}
	s.timeouts[fd] = d
	if blocking {
		delete(s.timeouts, fd)
	}
}

// getTimeout is Python's gettimeout, which the kernel is not asked for.
func (s *story) getTimeout(fd int, note text) {
	_ = s.make(newCall("gettimeout", note, fd), func() (string, error) {
		if d, ok := s.timeouts[fd]; ok {
			return seconds(d), nil
		}
		return "None", nil
	})
}

// seconds writes a time as Python does.
func seconds(d time.Duration) string {
	v := strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
	if d%time.Second == 0 {
		v += ".0"
	}
	return v
}

// fcntl is fcntl(2), with which a socket becomes blocking or non-blocking.
func (s *story) fcntl(fd int, blocking bool) error {
	f := "O_RDWR|O_NONBLOCK"
	if blocking {
		f = "O_RDWR"
	}
	return s.make(newCall("fcntl", silent, fd, "F_SETFL", f), func() (string, error) {
		return "0", unix.SetNonblock(fd, !blocking)
	})
}

// waitFor is what Python does before a call on a socket with a timeout.
func (s *story) waitFor(fd int, e pollEvents) error {
	if !s.timed().poll(fd, e, s.timeouts[fd], silent) {
		return errTimedOut
	}
	return nil
}

// recvTimeout is Python's recv on a socket with a timeout.
func (s *story) recvTimeout(fd, size int, note text) {
	_ = s.python(newCall("recv", note, fd, size), func() (string, error) {
		if err := s.waitFor(fd, unix.POLLIN); err != nil {
			return "", err
		}
		b, err := s.recv(fd, size, 0, silent)
		return received(b), err
	})
}

// acceptTimeout is Python's accept on a socket with a timeout.
func (s *story) acceptTimeout(fd int, note text) {
	_ = s.python(newCall("accept", note, fd), func() (string, error) {
		if err := s.waitFor(fd, unix.POLLIN); err != nil {
			return "", err
		}
		c := s.accept(fd, silent)
		return fmt.Sprint(c), nil
	})
}

// connectExTimeout is Python's connect_ex on a socket with a timeout. When that is
// over it returns EAGAIN, which connect itself returns for other reasons.
func (s *story) connectExTimeout(fd int, to unix.Sockaddr, note text) {
	c := newCall("connect_ex", note, fd, addrText(to))
	c.ex = true
	_ = s.python(c, func() (string, error) {
		if err := s.try().connect(fd, to, silent); err != unix.EINPROGRESS {
			return "0", err
		}
		if s.waitFor(fd, unix.POLLOUT) != nil {
			return "", unix.EAGAIN
		}
		return "0", s.socketError(fd, silent)
	})
}
