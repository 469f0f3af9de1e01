package api

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// heard is what the server of a script in turns says when it has read what it was
// sent: the client waits for it, so that both print the same every time.
const heard = "ok"

func streamClient(s *story, at []netip.AddrPort) {
	c := s.caller(at[0])
	s.setOption(c, noDelay, 1, tr("no waiting on this side", "这一侧不等待"))
	s.say(tr("three sends", "三次 send"))
	s.send(c, "one", 0, silent)
	s.send(c, "two", 0, silent)
	s.send(c, "three", 0, silent)
	s.hear(c, silent)
	s.say(tr("one send", "一次 send"))
	s.send(c, "0123456789", 0, silent)
	s.hear(c, silent)
	s.say(tr("does a recv in between flush what was sent?", "中间插一次 recv 会冲刷发送缓冲区吗？"))
	s.send(c, "four", 0, silent)
	s.try().recv(c, 1024, unix.MSG_DONTWAIT, tr("a recv, and nothing to receive", "一次 recv，没有可收的"))
	s.send(c, "five", 0, silent)
	s.hear(c, silent)
	s.say(tr("and a recv that waits for the answer?", "等到回答的 recv 呢？"))
	s.send(c, "six", 0, silent)
	s.hear(c, tr("the server has read six", "服务器已读完 six"))
	s.send(c, "seven", 0, silent)
	s.hear(c, silent)
	s.close(c, hangUp)
}

func streamServer(s *story, at []netip.AddrPort) {
	l := s.listener(at[0], 5)
	c := s.patient().accept(l, pickUp)
	s.queued(c, len("onetwothree"), tr("busy until all three are here", "一直忙到三次都到了"))
	s.hear(c, tr("one recv for three sends", "三次 send，一次 recv"))
	s.send(c, heard, 0, silent)
	s.queued(c, 10, silent)
	for range 3 {
		s.recv(c, 4, 0, tr("three recvs for one send", "一次 send，三次 recv"))
	}
	s.send(c, heard, 0, silent)
	s.queued(c, len("fourfive"), silent)
	s.hear(c, tr("it flushed nothing: they still stick", "什么也没冲刷：仍然粘在一起"))
	s.send(c, heard, 0, silent)
	s.hear(c, silent)
	s.send(c, heard, 0, tr("only now is seven sent: the turns keep them apart", "此后才发 seven：分开它们的是一问一答"))
	s.hear(c, silent)
	s.send(c, heard, 0, silent)
	s.hear(c, hungUp)
	s.close(c, hangUp)
	s.close(l, switchOff)
}
