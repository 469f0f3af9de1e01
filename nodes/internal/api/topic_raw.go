package api

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// rawAlone asks for an echo by ICMP, with a raw socket and without.
func rawAlone(s *story, at []netip.AddrPort) {
	to := &unix.SockaddrInet4{Addr: at[0].Addr().As4()}
	s.say(tr("SOCK_RAW: the whole IP packet", "SOCK_RAW：整个 IP 包"))
	r := s.try().socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP, tr("needs the capability NET_RAW", "需要 NET_RAW 权能"))
	if r != bad {
		s.setOption(r, icmpFilter, ^(1 << icmpEchoReply), tr("echo replies only", "只要回显应答"))
		s.echo(r, to, tr("45: IP version 4, a header of 5 words; ICMP begins at byte 20", "45：IP 版本 4，首部 5 个字；ICMP 从第 20 字节开始"))
		s.close(r, silent)
	}
	s.say(tr("SOCK_DGRAM with IPPROTO_ICMP: echo alone, and no capability", "SOCK_DGRAM 加 IPPROTO_ICMP：只有回显，不需要权能"))
	d := s.try().socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP, tr("if net.ipv4.ping_group_range has this group", "前提是 net.ipv4.ping_group_range 含本组"))
	if d != bad {
		s.echo(d, to, tr("00: echo reply; the kernel has taken the IP header off", "00：回显应答；IP 首部已被内核取下"))
		s.close(d, silent)
	}
}

// ICMP types (RFC 792).
const (
	icmpEchoReply   = 0
	icmpEchoRequest = 8
)

// echo sends an echo request and shows the answer's bytes.
func (s *story) echo(fd int, to *unix.SockaddrInet4, note text) {
	request := echoRequest()
	_ = s.make(newCall("sendto", silent, fd, fmt.Sprintf("[% x]", request), to4(to)), func() (string, error) {
		return fmt.Sprint(len(request)), unix.Sendto(fd, request, 0, to)
	})
	_ = s.make(newCall("recvfrom", note, fd, 1500), func() (string, error) {
		b := make([]byte, 1500)
		n, from, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d [% x] from %s", n, b[:n], to4(from)), nil
	})
}

// to4 is the address without the port, which ICMP has none of.
func to4(sa unix.Sockaddr) netip.Addr { return addrPort(sa).Addr() }

// echoRequest is an echo request (RFC 792) with two bytes of data.
func echoRequest() []byte {
	b := []byte{icmpEchoRequest, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'i'}
	binary.BigEndian.PutUint16(b[2:], checksum(b))
	return b
}

// checksum is the Internet checksum (RFC 1071). An odd byte at the end counts as
// if a zero followed.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
