package api

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// typesAlone opens a socket of every family and type, and talks over those that
// the kernel has.
func typesAlone(s *story, _ []netip.AddrPort) {
	internetTypes(s)
	ipv6Types(s)
	unixStream(s)
	unixSeqpacket(s)
	unixDatagram(s)
	s.say(tr("SOCK_RDM, reliable datagrams", "SOCK_RDM，可靠的数据报"))
	for _, f := range []family{unix.AF_INET, unix.AF_INET6, unix.AF_UNIX, unix.AF_TIPC} {
		s.try().socket(f, unix.SOCK_RDM, 0, silent)
	}
	s.say(tr("only TIPC has it, and only where the kernel has TIPC", "只有 TIPC 有，而且内核要带 TIPC"))
}

func internetTypes(s *story) {
	s.say(tr("AF_INET is IPv4", "AF_INET 是 IPv4"))
	t := s.socket(unix.AF_INET, unix.SOCK_STREAM, 0, tr("0: the protocol that suits, TCP", "0：合适的协议，TCP"))
	s.option(t, option{unix.SOL_SOCKET, unix.SO_PROTOCOL, "SOL_SOCKET, SO_PROTOCOL"}, tr("6 is TCP", "6 是 TCP"))
	s.close(t, silent)
	d := s.socket(unix.AF_INET, unix.SOCK_DGRAM, 0, silent)
	s.option(d, option{unix.SOL_SOCKET, unix.SO_PROTOCOL, "SOL_SOCKET, SO_PROTOCOL"}, tr("17 is UDP", "17 是 UDP"))
	v6 := &unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16(), Port: defaultPort}
	s.try().connect(d, v6, tr("an IPv6 address is not for it", "IPv6 地址不归它管"))
	s.close(d, silent)
	s.try().socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP, tr("UDP is no stream", "UDP 不是流"))
	s.try().socket(unix.AF_INET, unix.SOCK_SEQPACKET, 0, tr("not in this family", "这个地址族没有"))
	r := s.try().socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP, tr("needs the capability NET_RAW", "需要 NET_RAW 权能"))
	s.close(r, silent)
	p := s.try().socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP, tr("ping without that capability", "不需要该权能的 ping"))
	s.close(p, silent)
}

// ipv6Types needs no IPv6 address: a socket of AF_INET6 serves IPv4 as well.
func ipv6Types(s *story) {
	s.say(tr("AF_INET6 is IPv6, and IPv4 in its clothes", "AF_INET6 是 IPv6，也能接待换了装的 IPv4"))
	l := s.socket(unix.AF_INET6, unix.SOCK_STREAM, 0, silent)
	s.setOption(l, v6Only, 0, tr("both, please", "两种都要"))
	s.bind(l, &unix.SockaddrInet6{}, silent)
	s.listen(l, 5, silent)
	c := s.socket(unix.AF_INET, unix.SOCK_STREAM, 0, silent)
	s.connect(c, sockaddr(netip.AddrPortFrom(loopback.Addr(), localAddr(l).Port())), silent)
	a := s.accept(l, tr("an IPv4 caller, written as IPv6", "IPv4 来电，写成 IPv6"))
	s.close(a, silent)
	s.close(c, silent)
	s.close(l, silent)
}

var inTheKernel = tr("a name, no file", "一个名字，不是文件")

// unixConnection makes the two ends of a connection of AF_UNIX.
func unixConnection(s *story, t sockType, name string) (client, server int) {
	l := s.socket(unix.AF_UNIX, t, 0, silent)
	s.bind(l, abstract(name), inTheKernel)
	s.listen(l, 5, silent)
	client = s.socket(unix.AF_UNIX, t, 0, silent)
	s.connect(client, abstract(name), silent)
	server = s.accept(l, silent)
	s.close(l, silent)
	return client, server
}

func unixStream(s *story) {
	s.say(tr("AF_UNIX: between two programs of one machine", "AF_UNIX：同一台机器的两个程序之间"))
	c, a := unixConnection(s, unix.SOCK_STREAM, "crosslan-stream")
	s.send(c, "one", 0, silent)
	s.send(c, "two", 0, silent)
	s.hear(a, tr("a stream: nothing is left of the two sends", "流：看不出是两次发送"))
	s.close(c, silent)
	s.close(a, silent)
}

func unixSeqpacket(s *story) {
	s.say(tr("SOCK_SEQPACKET: a connection that keeps the boundaries", "SOCK_SEQPACKET：保留边界的连接"))
	c, a := unixConnection(s, unix.SOCK_SEQPACKET, "crosslan-seqpacket")
	s.send(c, "one", 0, silent)
	s.send(c, "two", 0, silent)
	s.send(c, "0123456789", 0, silent)
	s.hear(a, silent)
	s.hear(a, silent)
	s.recv(a, 4, 0, tr("what does not fit is lost, as with UDP", "放不下的丢失，同 UDP"))
	s.close(c, silent)
	s.hear(a, tr("and, unlike UDP, it has an end", "与 UDP 不同，它有结束"))
	s.close(a, silent)
}

func unixDatagram(s *story) {
	s.say(tr("SOCK_DGRAM there", "这里的 SOCK_DGRAM"))
	d := s.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0, silent)
	s.bind(d, abstract("crosslan-datagram"), inTheKernel)
	c := s.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0, silent)
	s.sendTo(c, "one", abstract("crosslan-datagram"), silent)
	s.sendTo(c, "two", abstract("crosslan-datagram"), silent)
	s.recvFrom(d, 1024, 0, silent)
	s.recvFrom(d, 1024, 0, silent)
	s.close(c, silent)
	s.close(d, silent)
}
