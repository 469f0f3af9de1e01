// Package dial opens a client's sockets, with every error that the kernel gives
// kept as it is.
package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// Options say how to connect.
type Options struct {
	// Local is the source transport address to bind to; the zero value, or a
	// zero part of it, leaves the choice to the kernel.
	Local netip.AddrPort

	// Limit ends a connect that gets no answer. With 0 the kernel decides
	// (net.ipv4.tcp_syn_retries), and the error is its own, ETIMEDOUT.
	Limit time.Duration

	// ICMPErrors has a UDP socket fail for every ICMP error, not for ECONNREFUSED
	// alone.
	ICMPErrors bool
}

// TCP opens a TCP connection to remote. The error names the call that failed,
// bind or connect, its errno, and how long it took.
func TCP(ctx context.Context, remote netip.AddrPort, opt Options) (*net.TCPConn, error) {
	c, err := dial(ctx, "tcp", remote, opt)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// UDP opens a UDP socket that is connected to remote, which sends nothing: it only
// sets where datagrams go, where from they are taken, and lets the errors that
// ICMP reports reach the socket.
func UDP(ctx context.Context, remote netip.AddrPort, opt Options) (*datagram.Conn, error) {
	c, err := dial(ctx, "udp", remote, opt)
	if err != nil {
		return nil, err
	}
	u, err := datagram.New(c.(*net.UDPConn))
	if err == nil && opt.ICMPErrors {
		err = u.ReportErrors()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return u, nil
}

func dial(ctx context.Context, transport string, remote netip.AddrPort, opt Options) (net.Conn, error) {
	local, err := localAddr(transport, opt.Local, remote)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: opt.Limit, LocalAddr: local}
	if opt.Local.Port() != 0 {
		d.Control = reuseAddr
	}
	begin := time.Now()
	c, err := d.DialContext(ctx, addr.Network(transport, remote), remote.String())
	if err == nil {
		return c, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, explain(err, remote, opt, time.Since(begin))
}

// explain words a failed dial.
func explain(err error, remote netip.AddrPort, opt Options, took time.Duration) error {
	var call *os.SyscallError
	switch {
	case errors.As(err, &call) && call.Syscall == "bind":
		return errno.Wrap("bind", err, opt.Local.String())
	case isErrno(err):
		detail := fmt.Sprintf("%v after %.2f s", remote, took.Seconds())
		if opt.Local.Port() != 0 && errors.Is(err, syscall.EADDRNOTAVAIL) {
			detail += fmt.Sprintf(" (there is a connection from port %d to there already, or its last one is in TIME_WAIT; choose another port)", opt.Local.Port())
		}
		return errno.Wrap("connect", err, detail)
	case opt.Limit > 0 && isTimeout(err):
		return &LimitError{Remote: remote, Limit: opt.Limit}
	}
	return errno.Wrap("connect", err, remote.String())
}

// LimitError is a connect that got no answer within the limit that its user set.
type LimitError struct {
	Remote netip.AddrPort
	Limit  time.Duration
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("connect: no answer within %s (--timeout): %v", Seconds(e.Limit), e.Remote)
}

// Timeout is true, as for every error of package net that is one.
func (e *LimitError) Timeout() bool { return true }

// Seconds writes a duration as the lessons do: "2 s", "0.25 s".
func Seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

func isErrno(err error) bool {
	var no syscall.Errno
	return errors.As(err, &no)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// localAddr is what net.Dialer binds to, or nil.
func localAddr(transport string, local, remote netip.AddrPort) (net.Addr, error) {
	if local == (netip.AddrPort{}) {
		return nil, nil
	}
	if ip := local.Addr(); ip.IsValid() && ip.Is4() != remote.Addr().Is4() {
		return nil, fmt.Errorf("bind: %v cannot reach %v: one is IPv4, the other IPv6", ip, remote)
	}
	if transport == "tcp" {
		return net.TCPAddrFromAddrPort(local), nil
	}
	return net.UDPAddrFromAddrPort(local), nil
}

// reuseAddr lets a client take a source port again while its last connection from
// there is in TIME_WAIT, as long as it connects to somewhere else.
func reuseAddr(_, _ string, c syscall.RawConn) error {
	var optErr error
	if err := c.Control(func(fd uintptr) {
		optErr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}); err != nil {
		return err
	}
	return optErr
}
