package punch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// sharePort lets a socket listen, and others connect, from one local address (RFC 5128
// section 3.4).
func sharePort(_, _ string, c syscall.RawConn) error {
	var err error
	return errors.Join(c.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	}), err)
}

// listenTCP listens on local.
func listenTCP(ctx context.Context, local netip.AddrPort) (*net.TCPListener, error) {
	lc := net.ListenConfig{Control: sharePort}
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(ctx, addr.Network("tcp", local), local.String())
	if err != nil {
		return nil, errno.Wrap("", err, local.String())
	}
	return l.(*net.TCPListener), nil
}

// dialFrom connects from local, and gives up after limit.
func dialFrom(ctx context.Context, local, remote netip.AddrPort, limit time.Duration) (*net.TCPConn, error) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(local), Control: sharePort, Timeout: limit}
	d.SetMultipathTCP(false)
	c, err := d.DialContext(ctx, addr.Network("tcp", remote), remote.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// explain words why a connection to a server failed.
func explain(err error, local, remote netip.AddrPort, limit time.Duration) error {
	var timeout net.Error
	switch {
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return errno.Wrap("connect", err, fmt.Sprintf("%v (the last connection from %v to there is in TIME_WAIT; choose another port)", remote, local))
	case errors.As(err, &timeout) && timeout.Timeout() && !errors.Is(err, unix.ETIMEDOUT):
		return &dial.LimitError{Remote: remote, Limit: limit}
	}
	return errno.Wrap("connect", err, remote.String())
}
