package api

import (
	"net/netip"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

// vanished is the topic of a client that is gone, and of how its server notices.
func vanished() topic {
	return topic{
		name:   "vanished",
		about:  tr("a client that is gone: FIN, RST, keepalive, TCP_USER_TIMEOUT", "客户端消失：FIN、RST、keepalive、TCP_USER_TIMEOUT"),
		client: &side{takes: takesServer, script: vanishedClient},
		server: &side{takes: takesListen, script: vanishedServer},
	}
}

func vanishedClient(f *pflag.FlagSet) script {
	leave := newChoice(f, "how", "how the client leaves", map[string]func(*story, int){
		"close": func(s *story, c int) { s.close(c, tr("hang up: FIN", "挂电话：FIN")) },
		"reset": func(s *story, c int) {
			s.setLinger(c, 0, silent)
			s.close(c, tr("throw the phone away: RST", "摔电话：RST"))
		},
		"stay": stay,
	}, "close", "reset", "stay")
	return func(s *story, at []netip.AddrPort) {
		c := s.caller(at[0])
		s.send(c, "hello", 0, speak)
		s.hear(c, hear)
		leave.run(s, c)
	}
}

// stay waits to be killed, or cut off.
func stay(s *story, c int) {
	s.ready(c)
	for !s.over() {
		if b, err := s.patient().timed().try().recv(c, 1024, 0, silent); err != nil || len(b) == 0 {
			break
		}
	}
	s.close(c, silent)
}

// The times of a server that wants to know soon. The kernel's own are two hours,
// and about fifteen minutes.
const (
	patience    = 3 * time.Second // of the server that only looks
	userLimit   = 2 * time.Second // TCP_USER_TIMEOUT
	afterSilent = 5 * time.Second // until the server speaks
)

func vanishedServer(f *pflag.FlagSet) script {
	watch := newChoice(f, "watch", "how the server notices", map[string]func(*story, int){
		"keepalive": watchByKeepalive, "send": watchBySending, "nothing": watchNothing,
	}, "keepalive", "send", "nothing")
	return func(s *story, at []netip.AddrPort) {
		l := s.listener(at[0], 5)
		c := s.patient().accept(l, pickUp)
		s.hear(c, hear)
		s.send(c, "HELLO", 0, speak)
		watch.run(s, c)
		s.close(c, hangUp)
		s.close(l, switchOff)
	}
}

// watchByKeepalive lets the kernel ask.
func watchByKeepalive(s *story, c int) {
	s.setOption(c, keepAlive, 1, tr("ask now and then whether somebody is there", "不时问一声有没有人"))
	s.setOption(c, keepIdle, 1, tr("after 1 s of silence", "静默 1 秒后"))
	s.setOption(c, keepIntvl, 1, tr("every second", "每秒一次"))
	s.setOption(c, keepCount, 3, tr("three times", "三次"))
	s.timed().try().patient().recv(c, 1024, 0, tr("what recv says about the client", "recv 如何报告客户端"))
}

// watchBySending says something into the silence.
func watchBySending(s *story, c int) {
	s.setOption(c, userTimeout, int(userLimit.Milliseconds()), tr("ms that sent bytes may stay unconfirmed", "已发字节最多多少毫秒不被确认"))
	if !s.timed().poll(c, unix.POLLIN, afterSilent, tr("silence tells nothing", "沉默说明不了什么")) {
		s.send(c, "are you there?", 0, tr("into the void: the kernel takes it", "说给虚空：内核照收"))
	}
	s.timed().try().patient().recv(c, 1024, 0, tr("what recv says about the client", "recv 如何报告客户端"))
}

// watchNothing only waits, as the tutorials' servers do.
func watchNothing(s *story, c int) {
	if s.timed().poll(c, unix.POLLIN, patience, tr("a recv would wait for ever; this looks for 3 s", "recv 会永远等；这里只看 3 秒")) {
		s.try().recv(c, 1024, 0, tr("what recv says about the client", "recv 如何报告客户端"))
		return
	}
	s.state(c, tr("the kernel believes that all is well", "内核以为一切正常"))
}
