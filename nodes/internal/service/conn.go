package service

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/observe"
)

// Socket is a connection that carries a stream of bytes: one of TCP, or what stands in for
// it where there is none (Partner).
type Socket interface {
	net.Conn
	syscall.Conn // for recv and poll
	CloseWrite() error
}

// Conn is a client's TCP connection as a service sees it. Each read and write is an
// event; a client that asks for its observed address is answered by the way.
type Conn struct {
	socket   Socket
	observed observe.Conn
	remote   netip.AddrPort
	journal  journal
	idle     time.Duration
}

func newConn(s Socket, j journal, idle time.Duration) *Conn {
	c := &Conn{socket: s, remote: addr.Of(s.RemoteAddr()), journal: j, idle: idle}
	c.observed.Conn = s
	c.observed.Asked = func() { j.observed(c.remote) }
	return c
}

// Read reads a chunk, as recv does. One goroutine may read while another writes.
func (c *Conn) Read(p []byte) (int, error) {
	if c.idle > 0 {
		if err := c.socket.SetReadDeadline(time.Now().Add(c.idle)); err != nil {
			return 0, err
		}
	}
	n, err := c.observed.Read(p)
	if n > 0 {
		c.journal.received(c.remote, p[:n])
	}
	return n, exceeded("idle", c.idle, err)
}

// Write writes all of p, as sendall does.
func (c *Conn) Write(p []byte) (int, error) {
	if c.idle > 0 {
		if err := c.socket.SetWriteDeadline(time.Now().Add(c.idle)); err != nil {
			return 0, err
		}
	}
	n, err := c.socket.Write(p)
	if n > 0 {
		c.journal.sent(c.remote, p[:n])
	}
	return n, exceeded("idle", c.idle, err)
}

// RemoteAddr is the client's transport address, as getpeername tells it.
func (c *Conn) RemoteAddr() netip.AddrPort { return c.remote }

// finishLimit is how long Finish waits for the client's FIN.
const finishLimit = 2 * time.Second

// Finish ends the conversation from the server's side: it sends FIN and waits a
// little for the client's, throwing away what still comes. A close with bytes
// unread would send RST instead (RFC 9293 section 3.6.1, RFC 2525 section 2.17), which
// may take the last answer away from the client.
func (c *Conn) Finish() error {
	if err := c.socket.CloseWrite(); err != nil {
		return err
	}
	if err := c.socket.SetReadDeadline(time.Now().Add(finishLimit)); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, c.socket)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
