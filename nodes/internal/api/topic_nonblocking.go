package api

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

func nonBlockingClient(s *story, at []netip.AddrPort) {
	c := s.stream(at[0], buyPhone)
	s.setBlocking(c, false, tr("Python's; the kernel knows a flag", "Python 的；内核只认一个标志"))
	s.getTimeout(c, tr("0.0: no waiting at all", "0.0：完全不等"))
	s.connectEx(c, sockaddr(at[0]), tr("under way: it does not wait", "正在进行：不等待"))
	s.poll(c, unix.POLLOUT, soon, tr("until there is an outcome", "直到有结果"))
	s.socketError(c, tr("0: connected", "0：已连接"))
	s.try().recv(c, 1024, 0, tr("nothing there yet (Python: BlockingIOError)", "还没有数据（Python：BlockingIOError）"))
	s.send(c, "hello", 0, speak)
	s.poll(c, unix.POLLIN, soon, tr("wait here instead", "改在这里等"))
	s.hear(c, silent)

	s.setTimeout(c, 500*time.Millisecond, tr("as non-blocking, and poll before each call", "也是非阻塞，每次调用前先 poll"))
	s.getTimeout(c, silent)
	s.recvTimeout(c, 1024, tr("the server says nothing", "服务器不说话"))
	s.send(c, "go on", 0, speak)
	s.recvTimeout(c, 1024, tr("now it does", "现在说了"))

	s.setBlocking(c, true, tr("wait as at the beginning", "像最初一样等待"))
	s.getTimeout(c, tr("None: for ever", "None：永远等"))
	s.close(c, hangUp)
}

func nonBlockingServer(s *story, at []netip.AddrPort) {
	l := s.stream(at[0], buyPhone)
	s.setOption(l, reuseAddr, 1, keepNumber)
	s.bind(l, sockaddr(at[0]), insertSIM)
	s.listen(l, 5, switchOn)
	s.setBlocking(l, false, silent)
	s.try().accept(l, tr("nobody calls (Python: BlockingIOError)", "没有来电（Python：BlockingIOError）"))
	s.setTimeout(l, 200*time.Millisecond, silent)
	s.acceptTimeout(l, tr("nor within 0.2 s", "0.2 秒内也没有"))
	s.ready(l)

	s.patient().poll(l, unix.POLLIN, forever, tr("until somebody calls", "直到有人来电"))
	c := s.accept(l, pickUp)
	s.setBlocking(c, false, tr("an accepted socket begins as blocking", "accept 得到的套接字起初是阻塞的"))
	s.poll(c, unix.POLLIN, soon, silent)
	s.hear(c, hear)
	s.try().recv(c, 1024, 0, tr("that was all", "没有更多了"))
	s.send(c, "HELLO", 0, speak)
	s.poll(c, unix.POLLIN, soon, silent)
	s.hear(c, hear)
	s.send(c, "HERE", 0, speak)
	s.poll(c, unix.POLLIN, soon, tr("an end is something to read, too", "结束也是可读事件"))
	s.hear(c, hungUp)
	s.close(c, hangUp)
	s.close(l, switchOff)
}
