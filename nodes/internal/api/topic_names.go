package api

import "net/netip"

func namesClient(s *story, at []netip.AddrPort) {
	c := s.stream(at[0], buyPhone)
	s.fileno(c, tr("the number by which the kernel knows the socket", "内核用这个编号认识套接字"))
	s.sockName(c, tr("no address yet", "还没有地址"))
	s.try().peerName(c, tr("nobody is on the line", "线上没有人"))
	s.connect(c, sockaddr(at[0]), dialUp)
	s.sockName(c, tr("connect has chosen address and port", "connect 选定了地址和端口"))
	s.peerName(c, tr("the server's address as I dialled it", "我拨的服务器地址"))
	s.hear(c, tr("the address that the server sees", "服务器看到的地址"))
	s.close(c, hangUp)
	s.try().sockName(c, tr("the number is no socket's any more", "编号已不属于任何套接字"))
}

func namesServer(s *story, at []netip.AddrPort) {
	l := s.listener(at[0], 5)
	s.sockName(l, tr("where I listen; 0.0.0.0: on every address that I have", "监听的地址；0.0.0.0：我的所有地址"))
	c := s.patient().accept(l, pickUp)
	s.fileno(c, tr("a second socket: one for this caller alone", "第二个套接字：只属于这个来电"))
	s.sockName(c, tr("the address that the caller dialled", "来电者所拨的地址"))
	s.peerName(c, tr("the caller's address", "来电者的地址"))
	if !s.over() {
		s.send(c, remoteAddr(c).String(), 0, speak)
	}
	s.hear(c, hungUp)
	s.close(c, hangUp)
	s.close(l, switchOff)
}
