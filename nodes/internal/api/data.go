package api

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// longData is how much a call may show of what it sends.
const longData = 48

// shown is data as an argument: itself, or its length if it is long.
func shown(b []byte) string {
	if len(b) > longData {
		return fmt.Sprintf("%d bytes", len(b))
	}
	return node.Quote(b)
}

// received is data as a result, its length first.
func received(b []byte) string {
	if len(b) > longData {
		return fmt.Sprint(len(b))
	}
	return fmt.Sprintf("%d %s", len(b), node.Quote(b))
}

// withFlags are the arguments of a call, with the flags if there are any.
func withFlags(f flags, args ...any) []any {
	if f != 0 {
		args = append(args, f)
	}
	return args
}

// send is send(2). It returns how many bytes the kernel took.
func (s *story) send(fd int, data string, f flags, note text) (int, error) {
	b, n := []byte(data), 0
	err := s.make(newCall("send", note, withFlags(f, fd, shown(b))...), func() (_ string, err error) {
		n, err = send(fd, b, f)
		return fmt.Sprint(n), err
	})
	return n, err
}

// sendAll is Python's sendall: send(2) until everything is sent.
func (s *story) sendAll(fd int, data string, note text) {
	timing := s.timing
	_ = s.python(newCall("sendall", note, fd, shown([]byte(data))), func() (string, error) {
		for data != "" {
			s.timing = timing
			n, err := s.send(fd, data, 0, silent)
			if err != nil {
				return "", err
			}
			data = data[n:]
		}
		return "", nil
	})
}

// recv is recv(2).
func (s *story) recv(fd, size int, f flags, note text) ([]byte, error) {
	b, n := make([]byte, size), 0
	err := s.make(newCall("recv", note, withFlags(f, fd, size)...), func() (_ string, err error) {
		n, _, err = unix.Recvfrom(fd, b, int(f))
		if err != nil {
			return "", err
		}
		return received(b[:n]), nil
	})
	if err != nil {
		return nil, err
	}
	return b[:n], nil
}

// hear is recv of what the other side says next.
func (s *story) hear(fd int, note text) string {
	b, _ := s.recv(fd, 1024, 0, note)
	return string(b)
}

// sendTo is sendto(2).
func (s *story) sendTo(fd int, data string, to unix.Sockaddr, note text) error {
	b := []byte(data)
	return s.make(newCall("sendto", note, fd, shown(b), addrText(to)), func() (string, error) {
		return fmt.Sprint(len(b)), unix.Sendto(fd, b, 0, to)
	})
}

// recvFrom is recvfrom(2).
func (s *story) recvFrom(fd, size int, f flags, note text) (string, unix.Sockaddr) {
	b, n := make([]byte, size), 0
	var from unix.Sockaddr
	_ = s.make(newCall("recvfrom", note, withFlags(f, fd, size)...), func() (_ string, err error) {
		n, from, err = unix.Recvfrom(fd, b, int(f))
		if err != nil {
			n = 0
			return "", err
		}
		if n > size {
			// With MSG_TRUNC it is the length that the datagram had.
			defer func() { n = size }()
			return fmt.Sprintf("%d %s from %s", n, node.Quote(b), addrText(from)), nil
		}
		return fmt.Sprintf("%s from %s", received(b[:n]), addrText(from)), nil
	})
	return string(b[:n]), from
}

// recvMsg is recvmsg(2), which says by its flags what recv leaves unsaid.
func (s *story) recvMsg(fd, size int, note text) {
	_ = s.make(newCall("recvmsg", note, fd, size), func() (string, error) {
		b := make([]byte, size)
		n, _, got, _, err := unix.Recvmsg(fd, b, nil, 0)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s flags %v", received(b[:n]), flags(got&^unix.MSG_CMSG_CLOEXEC)), nil
	})
}
