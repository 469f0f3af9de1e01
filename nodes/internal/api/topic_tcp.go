package api

import "net/netip"

func tcpClient(s *story, at []netip.AddrPort) {
	c := s.caller(at[0])
	s.sockName(c, tr("my number", "我的号码"))
	s.peerName(c, tr("the number I have dialled", "我拨的号码"))
	s.send(c, "hello", 0, speak)
	s.hear(c, hear)
	s.close(c, hangUp)
}

func tcpServer(s *story, at []netip.AddrPort) {
	l := s.listener(at[0], 5)
	c := s.patient().accept(l, pickUp)
	s.hear(c, hear)
	s.sendAll(c, "HELLO", speak)
	s.hear(c, hungUp)
	s.close(c, hangUp)
	s.close(l, switchOff)
}
