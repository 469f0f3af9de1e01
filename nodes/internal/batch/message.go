package batch

import (
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Message is one datagram, or a run of datagrams that came from one source.
type Message struct {
	Payload []byte     // the datagrams, one after the other
	Size    int        // of each, in bytes; the last may be shorter
	From    *Name      // where it came from; the batch's own
	Local   netip.Addr // the address of this host it was sent to; zero unless the socket was told to say
}

// Datagrams returns how many there are: an empty datagram is one as well.
func (m *Message) Datagrams() int {
	if len(m.Payload) <= m.Size {
		return 1
	}
	return (len(m.Payload) + m.Size - 1) / m.Size
}

// Name is a transport address in the form of the kernel (ip(7), ipv6(7)).
type Name struct {
	raw    unix.RawSockaddrInet6 // an unix.RawSockaddrInet4 where the family says so
	length uint32
}

// AddrPort returns the transport address: an IPv4 address that came by a socket of
// IPv6 is in its IPv6 form, and the zone of a link-local one is the interface's number.
func (n *Name) AddrPort() netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&n.raw.Port)) // the same place in both families
	number := uint16(port[0])<<8 | uint16(port[1])
	switch n.raw.Family {
	case unix.AF_INET:
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&n.raw))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), number)
	case unix.AF_INET6:
		addr := netip.AddrFrom16(n.raw.Addr)
		if n.raw.Scope_id != 0 {
			addr = addr.WithZone(strconv.FormatUint(uint64(n.raw.Scope_id), 10))
		}
		return netip.AddrPortFrom(addr, number)
	}
	return netip.AddrPort{}
}
