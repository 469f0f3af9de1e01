package api

import (
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// maxDatagram is the largest payload of UDP: 65535 less its own header of 8 (RFC 768),
// and less that of IPv4, 20, whose length counts (RFC 791, section 3.1); that of IPv6
// does not count (RFC 8200, section 3).
func maxDatagram(f family) int {
	if f == unix.AF_INET {
		return 65535 - 8 - 20
	}
	return 65535 - 8
}

func udpClient(s *story, at []netip.AddrPort) {
	to := sockaddr(at[0])
	c := s.datagrams(at[0], tr("a letter box", "一个信箱"))
	s.sockName(c, tr("it has no address yet", "还没有地址"))
	for _, m := range []string{"one", "two", "three"} {
		s.sendTo(c, m, to, tr("three sends", "发三次"))
	}
	s.sockName(c, tr("the first sendto has bound it to a port", "第一次 sendto 已绑定端口"))
	s.recvFrom(c, 1024, 0, tr("the server got three", "服务器收到三个"))
	s.sendTo(c, "", to, tr("a datagram may be empty", "数据报可以为空"))
	s.sendTo(c, "0123456789", to, tr("ten bytes, for a buffer of four", "十个字节，对方缓冲区只有四"))
	s.sendTo(c, "0123456789", to, tr("once more", "再来一次"))
	s.try().sendTo(c, strings.Repeat("x", maxDatagram(familyOf(at[0]))+1), to, tr("one byte more than fits into a datagram", "比数据报的上限多一个字节"))
	s.connect(c, to, tr("sends nothing: it only remembers the address", "什么也不发：只记住地址"))
	s.peerName(c, silent)
	s.send(c, "bye", 0, tr("no address needed now", "不再需要地址"))
	s.hear(c, silent)
	s.close(c, silent)
}

func udpServer(s *story, at []netip.AddrPort) {
	l := s.datagrams(at[0], tr("a letter box", "一个信箱"))
	s.bind(l, sockaddr(at[0]), tr("its address", "它的地址"))
	s.ready(l)
	_, from := s.patient().recvFrom(l, 1024, 0, tr("no listen, no accept", "没有 listen，没有 accept"))
	s.recvFrom(l, 1024, 0, tr("each datagram by itself", "每个数据报各自独立"))
	s.recvFrom(l, 1024, 0, silent)
	s.reply(l, "three datagrams", from)
	s.recvFrom(l, 1024, 0, tr("0 is an empty datagram, not the end", "0 是空数据报，不是结束"))
	s.recvFrom(l, 4, 0, tr("cut: the other six bytes are gone (Windows: 10040 WSAEMSGSIZE)", "被截断：其余六个字节丢失（Windows：10040 WSAEMSGSIZE）"))
	s.recvMsg(l, 4, tr("recvmsg tells: MSG_TRUNC", "recvmsg 会告知：MSG_TRUNC"))
	_, from = s.recvFrom(l, 1024, 0, silent)
	s.reply(l, "goodbye", from)
	s.close(l, silent)
}

// reply sends to where a datagram came from, which is nowhere if none came.
func (s *story) reply(fd int, data string, to unix.Sockaddr) {
	if !s.over() {
		s.sendTo(fd, data, to, silent)
	}
}
