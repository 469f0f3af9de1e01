// Package datagram is UDP with what the IP header of each datagram says: the TTL
// with which it arrived, and the address it was sent to.
package datagram

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// MaxSize is the largest payload of a UDP datagram.
const MaxSize = 65535 - 8

// Conn is a UDP socket that learns the TTL of what it receives.
type Conn struct {
	*net.UDPConn

	oob [128]byte // control messages; room for both of one datagram
	v4  bool
}

// Info is what is known of a received datagram beside its payload.
type Info struct {
	From netip.AddrPort // where it came from
	TTL  int            // its TTL, or IPv6 hop limit, on arrival; 0 if the kernel did not say
	to   netip.Addr     // the address of this host that it came to; invalid if it was to many
}

// Listen binds a UDP socket to local.
func Listen(ctx context.Context, local netip.AddrPort) (*Conn, error) {
	var lc net.ListenConfig
	pc, err := lc.ListenPacket(ctx, addr.Network("udp", local), local.String())
	if err != nil {
		return nil, err
	}
	c, err := New(pc.(*net.UDPConn))
	if err != nil {
		pc.Close()
		return nil, err
	}
	return c, nil
}

// New returns u as a Conn.
func New(u *net.UDPConn) (*Conn, error) {
	c := &Conn{UDPConn: u, v4: addr.Of(u.LocalAddr()).Addr().Is4()}
	options := []int{unix.IP_RECVTTL, unix.IP_PKTINFO}
	if !c.v4 {
		options = []int{unix.IPV6_RECVHOPLIMIT, unix.IPV6_RECVPKTINFO}
	}
	if err := c.enable(options...); err != nil {
		return nil, err
	}
	return c, nil
}

// ReportErrors has the kernel report every ICMP error to a connected socket. As a
// rule UDP hears of ECONNREFUSED alone: an unreachable host or network may be
// reachable again, and RFC 1122 section 4.1.3.3 leaves it to the application to ask.
func (c *Conn) ReportErrors() error {
	if c.v4 {
		return c.enable(unix.IP_RECVERR)
	}
	return c.enable(unix.IPV6_RECVERR)
}

// enable sets options of the socket's IP level to 1.
func (c *Conn) enable(options ...int) error {
	level := unix.IPPROTO_IP
	if !c.v4 {
		level = unix.IPPROTO_IPV6
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var optErr error
	err = raw.Control(func(fd uintptr) {
		for _, o := range options {
			optErr = errors.Join(optErr, unix.SetsockoptInt(int(fd), level, o, 1))
		}
	})
	if err = errors.Join(err, optErr); err != nil {
		return fmt.Errorf("setsockopt: %w", err)
	}
	return nil
}

// Receive reads the next datagram into b. Only one goroutine may receive.
func (c *Conn) Receive(b []byte) (int, Info, error) {
	n, oobn, _, from, err := c.ReadMsgUDPAddrPort(b, c.oob[:])
	if err != nil {
		return 0, Info{}, err
	}
	info := Info{From: addr.Plain(from)}
	messages, err := unix.ParseSocketControlMessage(c.oob[:oobn])
	if err != nil {
		return 0, Info{}, fmt.Errorf("parse control message: %w", err)
	}
	for _, m := range messages {
		info.add(m)
	}
	return n, info, nil
}

// add takes from a control message what it tells (ip(7), ipv6(7)).
func (i *Info) add(m unix.SocketControlMessage) {
	switch {
	case is(m, unix.IPPROTO_IP, unix.IP_TTL, 4), is(m, unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT, 4):
		i.TTL = int(int32(binary.NativeEndian.Uint32(m.Data)))
	case is(m, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo):
		// ipi_spec_dst: also for a broadcast it is an address of this host.
		i.to = netip.AddrFrom4([4]byte(m.Data[4:8]))
	case is(m, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo):
		if a := netip.AddrFrom16([16]byte(m.Data[:16])); !a.IsMulticast() {
			i.to = a
		}
	}
}

func is(m unix.SocketControlMessage, level, typ int32, size int) bool {
	return m.Header.Level == level && m.Header.Type == typ && len(m.Data) >= size
}

// Reply sends b to where the datagram came from, with the address that it was sent
// to as the source. On a host with several addresses the kernel alone would choose
// by the route, and the client, or its NAT, would not know the answer for one.
func (c *Conn) Reply(b []byte, info Info) error {
	_, _, err := c.WriteMsgUDPAddrPort(b, source(info.to), info.From)
	return err
}

// source is the control message that sets a datagram's source address.
func source(a netip.Addr) []byte {
	switch {
	case !a.IsValid():
		return nil
	case a.Is4():
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: a.As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: a.As16()})
}
