package api

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// checksumClient sends a datagram as it is, one without a checksum, and, where it
// may, one that was damaged on the way.
func checksumClient(s *story, at []netip.AddrPort) {
	to := sockaddr(at[0])
	d := s.datagrams(at[0], silent)
	s.sendTo(d, "intact", to, tr("the kernel adds the checksum", "内核加上校验和"))
	s.setOption(d, noCheck, 1, tr("0 in its place: none (IPv4 only)", "该处填 0：没有校验和（仅 IPv4）"))
	s.sendTo(d, "without checksum", to, silent)
	s.setOption(d, noCheck, 0, silent)
	r := s.try().socket(familyOf(at[0]), unix.SOCK_RAW, unix.IPPROTO_UDP, tr("to damage one takes NET_RAW", "要造一个损坏的，需要 NET_RAW"))
	if r != bad {
		s.sendDamaged(r, at[0])
		s.close(r, silent)
	}
	s.sendTo(d, "last", to, silent)
	s.hear(d, tr("what the server saw", "服务器看到的"))
	s.close(d, silent)
}

// sendDamaged sends a UDP datagram, header and all, whose checksum is wrong.
func (s *story) sendDamaged(raw int, to netip.AddrPort) {
	const data = "damaged"
	b := make([]byte, 8+len(data))
	binary.BigEndian.PutUint16(b[0:], defaultPort)
	binary.BigEndian.PutUint16(b[2:], to.Port())
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)))
	// Not 0, which means none; and right only by an accident of the addresses.
	binary.BigEndian.PutUint16(b[6:], 0xdead)
	copy(b[8:], data)
	// The address of a raw socket has no port.
	sa := sockaddr(netip.AddrPortFrom(to.Addr(), 0))
	_ = s.make(newCall("sendto", tr("header and data, with a wrong checksum", "首部和数据，校验和是错的"), raw, fmt.Sprintf("[% x]", b), to.Addr()), func() (string, error) {
		return fmt.Sprint(len(b)), unix.Sendto(raw, b, 0, sa)
	})
}

func checksumServer(s *story, at []netip.AddrPort) {
	d := s.datagrams(at[0], silent)
	s.bind(d, sockaddr(at[0]), silent)
	before := s.damaged()
	s.ready(d)
	s.patient().recvFrom(d, 1024, 0, silent)
	for !s.over() {
		data, from := s.recvFrom(d, 1024, 0, silent)
		if data == "last" {
			n := s.damaged() - before
			_ = s.make(newCall("/proc/net/snmp", tr("datagrams dropped for their checksum", "因校验和被丢弃的数据报"), "Udp", "InCsumErrors"), func() (string, error) {
				return fmt.Sprintf("+%d", n), nil
			})
			s.reply(d, fmt.Sprintf("%d dropped", n), from)
			break
		}
	}
	s.close(d, silent)
}

// damaged is how many datagrams this machine has dropped for their checksum.
func (s *story) damaged() int {
	if s.over() {
		return 0
	}
	n, err := udpCounter("InCsumErrors")
	if err != nil {
		s.err = err
	}
	return n
}
