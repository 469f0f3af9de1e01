package api

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// closeClient makes four connections that end in four ways; its first words say
// which.
func closeClient(s *story, at []netip.AddrPort) {
	s.say(tr("the client closes first", "客户端先关闭"))
	c, local := s.call(at[0])
	s.send(c, "I close first", 0, speak)
	s.hear(c, silent)
	s.close(c, tr("FIN", "FIN"))
	s.settled(local, at[0], tr("whoever closes first keeps TIME_WAIT, for 60 s", "先关闭的一方保留 TIME_WAIT，60 秒"))

	s.say(tr("the server closes first", "服务器先关闭"))
	c, local = s.call(at[0])
	s.send(c, "you close first", 0, speak)
	s.hear(c, hungUp)
	s.close(c, silent)
	s.settled(local, at[0], tr("now it is not this side", "这次不在这一侧"))

	s.say(tr("SO_LINGER with 0 seconds: close throws the line down", "SO_LINGER 为 0 秒：close 直接摔电话"))
	c, local = s.call(at[0])
	s.send(c, "I hang up rudely", 0, speak)
	s.hear(c, silent)
	s.setLinger(c, 0, silent)
	s.close(c, tr("RST instead of FIN", "RST 代替 FIN"))
	s.settled(local, at[0], tr("no TIME_WAIT", "没有 TIME_WAIT"))

	s.say(tr("the server closes with bytes that it has not read", "服务器关闭时还有未读的字节"))
	c, local = s.call(at[0])
	s.send(c, "close without reading me", 0, speak)
	s.try().recv(c, 1024, 0, tr("RST: your last words were not heard", "RST：你最后的话没人听到"))
	s.close(c, silent)
	s.settled(local, at[0], silent)
}

// call makes a connection and returns its local address.
func (s *story) call(to netip.AddrPort) (int, netip.AddrPort) {
	c := s.caller(to)
	return c, localAddr(c)
}

func closeServer(s *story, at []netip.AddrPort) {
	l := s.listener(at[0], 5)
	c := s.patient().accept(l, pickUp)
	local, remote := localAddr(c), remoteAddr(c)
	s.hear(c, silent)
	s.send(c, heard, 0, silent)
	s.hear(c, hungUp)
	s.close(c, tr("FIN in answer", "以 FIN 回应"))
	s.settled(local, remote, tr("this side has nothing to keep", "这一侧什么也不用保留"))

	c = s.accept(l, pickUp)
	local, remote = localAddr(c), remoteAddr(c)
	s.hear(c, silent)
	s.close(c, tr("FIN", "FIN"))
	s.settled(local, remote, tr("the server's port is in TIME_WAIT", "服务器的端口处于 TIME_WAIT"))

	c = s.accept(l, pickUp)
	local, remote = localAddr(c), remoteAddr(c)
	s.hear(c, silent)
	s.send(c, heard, 0, silent)
	s.try().recv(c, 1024, 0, tr("RST (Python: ConnectionResetError)", "收到 RST（Python：ConnectionResetError）"))
	s.close(c, silent)
	s.settled(local, remote, silent)

	c = s.accept(l, pickUp)
	s.poll(c, unix.POLLIN, soon, tr("there is something to read", "有可读的内容"))
	s.close(c, tr("unread: RST", "未读：RST"))
	s.close(l, switchOff)
}
