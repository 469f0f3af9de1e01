package relay

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// askForLocal has the kernel tell, with every datagram, which of the host's addresses
// it was sent to. A client whose socket is connected to that address takes answers
// from no other (RFC 1122 section 4.1.3.5).
func askForLocal(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var v4, v6 error
	if err := raw.Control(func(fd uintptr) {
		v4 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		v6 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}); err != nil {
		return err
	}
	if v6 == nil {
		return nil // a socket of IPv6 tells of IPv4 datagrams as well
	}
	return v4
}

// marshalLocal returns the control message that sends from addr; none for the zero Addr.
func marshalLocal(addr netip.Addr) []byte {
	switch {
	case !addr.IsValid():
		return nil
	case addr.Is4():
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: addr.As4()})
	default:
		// Also for an IPv4 address in IPv6 form: it came from a socket of IPv6.
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: addr.As16()})
	}
}
