package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// MaxHead is the longest head of an HTTP message, in bytes: much more than a CONNECT
// needs, and as much as an unknown client can make a proxy hold.
const MaxHead = 8 << 10

// ErrHeadTooLong is a head that has not ended after MaxHead bytes.
var ErrHeadTooLong = errors.New("the head of the HTTP message is longer than 8 KiB")

// ReadHead reads the head of an HTTP message from c up to the empty line that ends
// it, and not a byte further: it looks (MSG_PEEK) before it reads. The deadlines of c
// hold.
func ReadHead(c *net.TCPConn) ([]byte, error) {
	var head []byte
	for {
		had := len(head)
		head = append(head, make([]byte, MaxHead-had)...)
		n, err := peek(c, head[had:])
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		head = head[:had+n]
		end, ended := headEnd(head)
		if ended {
			head = head[:end]
		}
		if _, err := io.ReadFull(c, head[had:]); err != nil {
			return nil, err
		}
		if ended {
			return head, nil
		}
		if len(head) == MaxHead {
			return nil, ErrHeadTooLong
		}
	}
}

// headEnd returns where the first empty line of b ends. RFC 9112 section 2.2 lets a
// recipient take a lone LF for a line's end.
func headEnd(b []byte) (end int, ok bool) {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return 0, false
		}
		at += i + 1
		switch rest := b[at:]; {
		case bytes.HasPrefix(rest, []byte("\n")):
			return at + 1, true
		case bytes.HasPrefix(rest, []byte("\r\n")):
			return at + 2, true
		}
	}
}

// PeekByte returns the next byte of c, and leaves it to be read. The deadlines of c
// hold.
func PeekByte(c *net.TCPConn) (byte, error) {
	var b [1]byte
	n, err := peek(c, b[:])
	if err == nil && n == 0 {
		err = io.EOF
	}
	return b[0], err
}

// peek waits for bytes and copies them to b, without taking them. At the end of the
// stream it returns 0.
func peek(c *net.TCPConn, b []byte) (n int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	waitErr := raw.Read(func(fd uintptr) bool {
		for {
			n, _, err = unix.Recvfrom(int(fd), b, unix.MSG_PEEK|unix.MSG_DONTWAIT)
			if err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	if waitErr != nil {
		return 0, waitErr
	}
	if err != nil {
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("recv", err)}
	}
	return n, nil
}
