package punch

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// ownAddr returns the address to bind to: local, with the address that the kernel would
// send from to remote where local has none, since a peer cannot be told a wildcard.
func ownAddr(ctx context.Context, local, remote netip.AddrPort) (netip.AddrPort, error) {
	if local.Addr().IsValid() && !local.Addr().IsUnspecified() {
		return local, nil
	}
	c, err := dial.UDP(ctx, remote, dial.Options{}) // which sends nothing
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer c.Close()
	return netip.AddrPortFrom(addr.Of(c.LocalAddr()).Addr(), local.Port()), nil
}

// listenUDP binds a UDP socket.
func listenUDP(ctx context.Context, local netip.AddrPort) (*net.UDPConn, error) {
	c, err := new(net.ListenConfig).ListenPacket(ctx, addr.Network("udp", local), local.String())
	if err != nil {
		return nil, errno.Wrap("", err, local.String())
	}
	return c.(*net.UDPConn), nil
}

// receive returns the next datagram, or os.ErrDeadlineExceeded when until is over. What
// has come is returned even if until is over already: a process that was not run for a
// while has not heard nothing.
func receive(c *net.UDPConn, b []byte, until time.Time) (int, netip.AddrPort, error) {
	if n, from, err := receiveNow(c, b); err == nil || !errors.Is(err, unix.EAGAIN) {
		return n, from, err
	}
	if err := c.SetReadDeadline(until); err != nil {
		return 0, netip.AddrPort{}, err
	}
	n, from, err := c.ReadFromUDPAddrPort(b)
	return n, addr.Plain(from), err
}

// receiveNow does not wait.
func receiveNow(c *net.UDPConn, b []byte) (n int, from netip.AddrPort, err error) {
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return 0, from, err
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, from, err
	}
	var sa unix.Sockaddr
	var callErr error
	err = raw.Read(func(fd uintptr) bool {
		for {
			n, sa, callErr = unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT)
			if callErr != unix.EINTR {
				return true
			}
		}
	})
	if err = errors.Join(err, callErr); err != nil {
		return 0, from, err
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		from = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		from = netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return n, from, nil
}

// isTransient reports whether an error of a UDP socket is about one datagram: an ICMP
// error that came for another, a full queue, a firewall of this host.
func isTransient(err error) bool {
	for _, no := range []syscall.Errno{unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.ENOBUFS, unix.EPERM, unix.EAGAIN, unix.EACCES, unix.EINVAL, unix.EADDRNOTAVAIL} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}
