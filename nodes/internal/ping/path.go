package ping

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// path is what the kernel knows of the way to an address.
type path struct {
	source netip.Addr // what packets that go there have as their source
	mtu    int        // the largest packet that is known to pass
}

// pathTo asks the kernel. A UDP socket that is connected has looked up the route, and
// nothing is sent for it. The probing socket itself is not connected, since a raw one
// would then hear nothing from the routers on the way.
func pathTo(remote netip.Addr) (p path, err error) {
	s, err := open(udpSocket, remote)
	if err != nil {
		return path{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	controlErr := s.raw.Control(func(fd uintptr) { p, err = lookUp(int(fd), remote) })
	return p, errors.Join(controlErr, err)
}

func lookUp(fd int, remote netip.Addr) (path, error) {
	if err := unix.Connect(fd, sockaddr(netip.AddrPortFrom(remote, 1))); err != nil {
		return path{}, errno.Wrap("connect", err, remote.String())
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return path{}, errno.Wrap("getsockname", err, "")
	}
	level, option := unix.IPPROTO_IP, unix.IP_MTU
	if remote.Is6() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_MTU
	}
	mtu, err := unix.GetsockoptInt(fd, level, option)
	if err != nil {
		return path{}, errno.Wrap("getsockopt", err, "IP_MTU")
	}
	return path{source: transportAddr(sa).Addr(), mtu: mtu}, nil
}
