package ping

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/icmp"
)

// problem is an ICMP error about something that was sent, or an error of this host's
// own kernel.
type problem struct {
	errno   syscall.Errno // what it means to a program
	local   bool          // this host's kernel says so, not a packet
	message icmp.Message  // if not local
	mtu     int           // what would fit, if it was too long
	from    netip.Addr    // who says so
}

// String words the problem: "time exceeded in transit".
func (p *problem) String() string {
	text := p.message.String()
	if p.local {
		text = fmt.Sprintf("%s (%d) %v", unix.ErrnoName(p.errno), int(p.errno), p.errno)
	}
	if p.mtu > 0 {
		text += ", mtu " + strconv.Itoa(p.mtu)
	}
	return text
}

// reporter names who reports it. The kernel of the host with the address local reports
// some problems as if it were a router: that nobody has answered its ARP, for one.
func (p *problem) reporter(local netip.Addr) string {
	switch {
	case p.local:
		return "this host"
	case p.from == local:
		return fmt.Sprintf("%v (this host)", local)
	}
	return p.from.String()
}

// read takes from control messages what they tell (ip(7), ipv6(7)).
func (h *heard) read(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("parse control message: %w", err)
	}
	for _, m := range messages {
		switch {
		case is(m, unix.IPPROTO_IP, unix.IP_TTL), is(m, unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT):
			if len(m.Data) >= 4 {
				h.ttl = int(int32(binary.NativeEndian.Uint32(m.Data)))
			}
		case is(m, unix.IPPROTO_IP, unix.IP_RECVERR), is(m, unix.IPPROTO_IPV6, unix.IPV6_RECVERR):
			h.problem = readProblem(m.Data)
		}
	}
	return nil
}

func is(m unix.SocketControlMessage, level, typ int32) bool {
	return m.Header.Level == level && m.Header.Type == typ
}

// sizeofExtendedErr is the size of struct sock_extended_err, which the address of the
// one who reports follows (linux/errqueue.h).
const sizeofExtendedErr = 16

// readProblem reads a struct sock_extended_err. It returns nil for what is no error
// of the network.
func readProblem(b []byte) *problem {
	if len(b) < sizeofExtendedErr {
		return nil
	}
	p := &problem{errno: syscall.Errno(binary.NativeEndian.Uint32(b))}
	switch b[4] {
	case unix.SO_EE_ORIGIN_LOCAL:
		p.local = true
	case unix.SO_EE_ORIGIN_ICMP, unix.SO_EE_ORIGIN_ICMP6:
		p.message = icmp.Message{V6: b[4] == unix.SO_EE_ORIGIN_ICMP6, Type: b[5], Code: b[6]}
		p.from = offender(b[sizeofExtendedErr:])
	default:
		return nil
	}
	if p.errno == syscall.EMSGSIZE {
		p.mtu = int(binary.NativeEndian.Uint32(b[8:]))
	}
	return p
}

// offender reads the struct sockaddr_in or sockaddr_in6 of the one who reports.
func offender(b []byte) netip.Addr {
	if len(b) < 2 {
		return netip.Addr{}
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET && len(b) >= 8:
		return netip.AddrFrom4([4]byte(b[4:]))
	case family == unix.AF_INET6 && len(b) >= 24:
		return netip.AddrFrom16([16]byte(b[8:])).Unmap()
	}
	return netip.Addr{}
}

// zone is the number of the interface that a link-local address belongs to.
func zone(a netip.Addr) uint32 {
	if a.Zone() == "" {
		return 0
	}
	if i, err := net.InterfaceByName(a.Zone()); err == nil {
		return uint32(i.Index)
	}
	n, err := strconv.ParseUint(a.Zone(), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}
