package service

import (
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// httpConn is a Conn as net/http wants it, and the listener that accepts this one
// connection and ends with it.
type httpConn struct {
	*Conn
	accepted bool
	closed   chan struct{}

	mu      sync.Mutex
	err     error // of the read that ended the connection
	aborted bool  // net/http ends its read, and that is no timeout
}

func newHTTPConn(c *Conn) *httpConn { return &httpConn{Conn: c, closed: make(chan struct{})} }

// Accept returns the connection, and when it has ended net.ErrClosed.
func (c *httpConn) Accept() (net.Conn, error) {
	if !c.accepted {
		c.accepted = true
		return &httpStream{c.socket, c}, nil
	}
	<-c.closed
	return nil, net.ErrClosed
}

// Addr and Close are the listener's.
func (c *httpConn) Addr() net.Addr { return c.socket.LocalAddr() }
func (c *httpConn) Close() error   { return nil }

// state is called by net/http, at last when it has closed the connection.
func (c *httpConn) state(_ net.Conn, s http.ConnState) {
	if s == http.StateClosed {
		close(c.closed)
	}
}

// ended takes note of a read's error.
func (c *httpConn) ended(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.aborted || !errors.Is(err, os.ErrDeadlineExceeded) {
		c.err = err
	}
}

// why is the error of the read that ended the connection, or nil.
func (c *httpConn) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// httpStream is the connection. It leaves deadlines to net/http, whose way of ending
// a read is a deadline in the past.
type httpStream struct {
	net.Conn
	c *httpConn
}

func (s *httpStream) Read(p []byte) (int, error) {
	n, err := s.c.observed.Read(p)
	if n > 0 {
		s.c.journal.received(s.c.remote, p[:n])
	}
	if err != nil {
		s.c.ended(err)
	}
	return n, err
}

// SetReadDeadline takes note of net/http ending a read of its own.
func (s *httpStream) SetReadDeadline(t time.Time) error {
	s.c.mu.Lock()
	s.c.aborted = !t.IsZero() && t.Before(time.Now())
	s.c.mu.Unlock()
	return s.Conn.SetReadDeadline(t)
}

func (s *httpStream) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	if n > 0 {
		s.c.journal.sent(s.c.remote, p[:n])
	}
	return n, err
}

// CloseWrite lets net/http end its side and wait for the client's.
func (s *httpStream) CloseWrite() error { return s.c.socket.CloseWrite() }
