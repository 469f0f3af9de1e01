package api

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

func flagsClient(s *story, at []netip.AddrPort) {
	c := s.caller(at[0])
	s.try().recv(c, 1024, unix.MSG_DONTWAIT, tr("this call alone does not wait", "只有这一次不等待"))
	s.send(c, "hello", unix.MSG_DONTWAIT, tr("there is room, so it is sent", "有空间，就发出"))
	s.poll(c, unix.POLLIN, soon, silent)
	s.say(tr("MSG_PEEK looks and leaves it there", "MSG_PEEK 只看不取"))
	s.recv(c, 1024, unix.MSG_PEEK, silent)
	s.recv(c, 2, unix.MSG_PEEK, silent)
	s.recv(c, 2, 0, tr("now it is taken", "现在取走"))
	s.recv(c, 1024, 0, tr("the rest", "剩下的"))
	s.try().recv(c, 1024, unix.MSG_PEEK|unix.MSG_DONTWAIT, tr("nothing more", "没有了"))
	s.say(tr("without a flag, recv returns what is there", "不带标志时，recv 有多少给多少"))
	s.send(c, "halves", 0, silent)
	s.recv(c, 10, 0, tr("asked for ten, got the first half", "要十个，得到前一半"))
	s.send(c, heard, 0, silent)
	s.recv(c, 10, 0, tr("the second half", "后一半"))
	s.say(tr("MSG_WAITALL waits for all of it", "MSG_WAITALL 等到要的全到"))
	s.send(c, "halves, with a pause", 0, silent)
	s.recv(c, 10, unix.MSG_WAITALL, tr("both, though they came apart", "两半都在，虽然分开到达"))
	s.send(c, "five bytes and the end", 0, silent)
	s.recv(c, 10, unix.MSG_WAITALL, tr("less only at the end of the stream", "只有流结束时才会少"))
	s.close(c, hangUp)
}

func flagsServer(s *story, at []netip.AddrPort) {
	l := s.listener(at[0], 5)
	c := s.patient().accept(l, pickUp)
	s.setOption(c, noDelay, 1, silent)
	s.hear(c, hear)
	s.send(c, "HELLO", 0, speak)
	s.hear(c, silent)
	s.send(c, "first", 0, silent)
	s.hear(c, silent)
	s.send(c, "other", 0, silent)
	s.hear(c, silent)
	s.send(c, "first", 0, silent)
	s.pause(300*time.Millisecond, tr("0.3 s later", "0.3 秒后"))
	s.send(c, "other", 0, silent)
	s.hear(c, silent)
	s.send(c, "first", 0, silent)
	s.close(c, hangUp)
	s.close(l, switchOff)
}
