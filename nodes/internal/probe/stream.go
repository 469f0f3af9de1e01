package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/pion/stun/v3"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// conn is a TCP connection. gone is done, and knows why, when nothing is read from it
// any more.
type conn struct {
	*net.TCPConn
	gone context.Context
}

// streams are TCP connections whose messages go to one inbox.
type streams struct {
	inbox    *inbox
	patience time.Duration // with a connect, and with an answer

	mu     sync.Mutex
	open   []*conn
	closed bool
	wg     sync.WaitGroup // reads and accepts
}

// dial connects from a transport address that other sockets share.
func (s *streams) dial(ctx context.Context, from, to netip.AddrPort) (*conn, error) {
	d := net.Dialer{Control: share, KeepAlive: -1, Timeout: s.patience, LocalAddr: net.TCPAddrFromAddrPort(from)}
	c, err := d.DialContext(ctx, addr.Network("tcp", to), to.String())
	var timeout net.Error
	switch {
	case err == nil:
		return s.add(c.(*net.TCPConn)), nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, errno.Wrap("connect", err, fmt.Sprintf("%v (no STUN server runs there)", to))
	case errors.As(err, &timeout) && timeout.Timeout() && !errors.Is(err, syscall.ETIMEDOUT):
		return nil, fmt.Errorf("%w from %v over TCP within %v", errSilence, to, s.patience)
	}
	return nil, errno.Wrap("", err, to.String())
}

// add reads the messages of a connection until it ends.
func (s *streams) add(tcp *net.TCPConn) *conn {
	gone, leave := context.WithCancelCause(context.Background())
	c := &conn{tcp, gone}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		closeNow(tcp)
	}
	s.open = append(s.open, c)
	s.wg.Go(func() {
		defer closeNow(tcp)
		local, remote := addr.Of(c.LocalAddr()), addr.Of(c.RemoteAddr())
		for {
			b, err := stunserver.ReadMessage(c)
			if err != nil {
				leave(fmt.Errorf("%v, instead of an answer: %s", remote, errno.Text(err)))
				return
			}
			s.inbox.deliver(b, local, remote)
		}
	})
	return c
}

// accept takes connections until the listener is closed.
func (s *streams) accept(l *net.TCPListener) {
	s.wg.Go(func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			s.add(c)
		}
	})
}

// close closes all connections and waits for their readers. Listeners must be closed
// before.
func (s *streams) close() {
	s.mu.Lock()
	s.closed = true
	for _, c := range s.open {
		closeNow(c.TCPConn)
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// closeNow ends a connection by RST, so that its port is not held in TIME_WAIT and
// the next probe can have it.
func closeNow(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// listener listens on a port that other sockets share.
type listener struct{ *net.TCPListener }

// listen fails for a port that another probe has, with which it would be shared.
func listen(ctx context.Context, local netip.AddrPort) (*listener, error) {
	var alone, shared net.ListenConfig
	shared.Control = share
	shared.SetMultipathTCP(false)
	transport := addr.Network("tcp", local)
	l, err := alone.Listen(ctx, transport, local.String())
	if err == nil {
		_ = l.Close()
		l, err = shared.Listen(ctx, transport, local.String())
	}
	if err != nil {
		return nil, errno.Wrap("", err, fmt.Sprintf("tcp %v", local))
	}
	return &listener{l.(*net.TCPListener)}, nil
}

func (l *listener) address() netip.AddrPort { return addr.Of(l.Addr()) }

// share lets sockets have one port: some to listen, others to connect.
func share(_, _ string, c syscall.RawConn) error {
	var err error
	return errors.Join(c.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	}), err)
}

func (c *conn) send(m *stun.Message) error {
	_, err := c.Write(m.Raw)
	switch {
	case err == nil:
		return nil
	case c.gone.Err() != nil:
		return context.Cause(c.gone) // why it was closed
	}
	return errno.Wrap("send", err, addr.Of(c.RemoteAddr()).String())
}

// ask asks over a connection and waits for the answer, wherever it comes in.
func (s *streams) ask(ctx context.Context, c *conn, set ...stun.Setter) (packet, error) {
	m, err := newRequest(set...)
	if err != nil {
		return packet{}, err
	}
	messages, forget := s.inbox.expect(m.TransactionID)
	defer forget()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.gone, func() { cancel(context.Cause(c.gone)) })()
	once := pace{s.patience} // TCP sends again by itself
	got, err := once.exchange(ctx, messages, func() error {
		return c.send(m)
	})
	if errors.Is(err, errSilence) {
		err = fmt.Errorf("%w from %v over TCP within %v", err, addr.Of(c.RemoteAddr()), s.patience)
	}
	return got, err
}

// observe connects and asks.
func (s *streams) observe(ctx context.Context, from, by netip.AddrPort) (*conn, reply, error) {
	c, err := s.dial(ctx, from, by)
	if err != nil {
		return nil, reply{}, err
	}
	p, err := s.ask(ctx, c)
	if err != nil {
		return nil, reply{}, err
	}
	r, err := p.read()
	return c, r, err
}
