package api

import (
	"net/netip"
)

// reuseAlone starts a server again on a port whose last connection the server was
// the first to close.
func reuseAlone(s *story, at []netip.AddrPort) {
	s.say(tr("a server without SO_REUSEADDR, which closes first", "不设 SO_REUSEADDR 的服务器，并且先关闭"))
	a := s.withPort(at[0])
	oneCall(s, a, false)
	s.say(tr("start it again", "重新启动"))
	l := s.stream(a, buyPhone)
	s.try().bind(l, sockaddr(a), tr("taken, though no process has it", "被占用，尽管没有进程持有它"))
	s.setOption(l, reuseAddr, 1, tr("too late: the first server had to set it as well", "太迟：第一个服务器也必须设置"))
	s.try().bind(l, sockaddr(a), silent)
	s.close(l, silent)

	s.say(tr("a server with SO_REUSEADDR", "设了 SO_REUSEADDR 的服务器"))
	b := s.withPort(netip.AddrPortFrom(a.Addr(), 0))
	oneCall(s, b, true)
	s.say(tr("start it again", "重新启动"))
	l = s.stream(b, buyPhone)
	s.setOption(l, reuseAddr, 1, keepNumber)
	s.bind(l, sockaddr(b), tr("beside its old connection", "与旧连接并存"))
	s.listen(l, 5, switchOn)
	m := s.stream(b, tr("but two that listen?", "但两个同时监听呢？"))
	s.setOption(m, reuseAddr, 1, silent)
	s.try().bind(m, sockaddr(b), tr("SO_REUSEADDR is not for that", "SO_REUSEADDR 不管这个"))
	s.close(m, silent)
	s.close(l, switchOff)
}

// oneCall is a server that serves one caller and ends.
func oneCall(s *story, at netip.AddrPort, reuse bool) {
	l := s.stream(at, buyPhone)
	if reuse {
		s.setOption(l, reuseAddr, 1, keepNumber)
	}
	s.bind(l, sockaddr(at), insertSIM)
	s.listen(l, 5, switchOn)
	c := s.stream(at, silent)
	s.connect(c, sockaddr(at), silent)
	a := s.accept(l, pickUp)
	local, remote := localAddr(a), remoteAddr(a)
	s.close(a, tr("the server hangs up first", "服务器先挂"))
	s.hear(c, hungUp)
	s.close(c, silent)
	s.close(l, switchOff)
	s.settled(local, remote, tr("for 60 s", "持续 60 秒"))
}
