package api

import "net/netip"

func makefileClient(s *story, at []netip.AddrPort) {
	c := s.caller(at[0])
	f := s.makeFile(c, tr("a buffer, and lines out of it", "一个缓冲区，从中取出一行行"))
	f.readline(tr("recv brought more than a line", "recv 带来的多于一行"))
	s.send(c, "more", 0, speak)
	f.readline(tr("the rest of the line had to be fetched", "这一行的后半还得去取"))
	f.readline(tr("a line that ends with the connection", "随连接结束的一行"))
	f.readline(tr("the end", "结束"))
	s.close(c, hangUp)
}

func makefileServer(s *story, at []netip.AddrPort) {
	l := s.listener(at[0], 5)
	c := s.patient().accept(l, pickUp)
	s.send(c, "first line\nsecond li", 0, tr("a line and a half", "一行半"))
	s.hear(c, hear)
	s.send(c, "ne\nthe third", 0, tr("the rest, and a line without an end", "其余部分，和没有换行的一行"))
	s.close(c, hangUp)
	s.close(l, switchOff)
}
