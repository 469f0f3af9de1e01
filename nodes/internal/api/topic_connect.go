package api

import (
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// loopback is where topics of one process take place; the kernel chooses the port.
var loopback = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)

// connectErrors is the topic of what connect_ex returns. With addresses it calls
// these; without, it makes on this machine what can be made there.
func connectErrors() topic {
	return topic{
		name:  "connect-errors",
		about: tr("connect_ex: 0, 111, 113, 101, 110, 115", "connect_ex：0、111、113、101、110、115"),
		client: &side{takes: takesServers, script: func(f *pflag.FlagSet) script {
			nonBlocking := f.Bool("non-blocking", false, "do not wait in connect_ex, but in poll")
			timeout := f.Duration("timeout", 0, "settimeout before connect_ex (0: none, the kernel decides)")
			return func(s *story, at []netip.AddrPort) {
				switch {
				case *timeout < 0:
					s.err = node.Usagef("--timeout %v: must not be negative; 0 leaves it to the kernel", *timeout)
				case len(at) == 0:
					connectLocally(s)
				case *nonBlocking:
					each(s, at, connectInBackground)
				case *timeout > 0:
					each(s, at, func(s *story, c int, to unix.Sockaddr) {
						s.setTimeout(c, *timeout, silent)
						s.connectExTimeout(c, to, silent)
					})
				default:
					each(s, at, func(s *story, c int, to unix.Sockaddr) { s.timed().connectEx(c, to, silent) })
				}
			}
		}},
	}
}

// each calls every address from a socket of its own.
func each(s *story, at []netip.AddrPort, call func(s *story, c int, to unix.Sockaddr)) {
	for _, a := range at {
		c := s.stream(a, silent)
		call(s, c, sockaddr(a))
		s.close(c, silent)
	}
}

// connectInBackground waits for a connect in poll.
func connectInBackground(s *story, c int, to unix.Sockaddr) {
	s.setBlocking(c, false, silent)
	s.connectEx(c, to, tr("under way", "正在进行"))
	s.timed().poll(c, unix.POLLOUT, s.limit, silent)
	s.socketError(c, tr("how it ended", "结果如何"))
}

func connectLocally(s *story) {
	l := s.stream(loopback, silent)
	s.bind(l, sockaddr(loopback), silent)
	s.listen(l, 0, tr("room for one caller that nobody has picked up", "只容得下一个等待接听的来电"))
	open := sockaddr(localAddr(l))

	c := s.stream(loopback, silent)
	s.connectEx(c, open, tr("somebody listens there", "那里有人监听"))

	d := s.stream(loopback, silent)
	s.connectEx(d, sockaddr(netip.AddrPortFrom(loopback.Addr(), 1)), tr("the machine is there, but nobody listens: RST", "机器在，但没有人监听：RST"))
	s.close(d, silent)

	d = s.stream(loopback, silent)
	s.connectEx(d, &unix.SockaddrInet4{Port: defaultPort, Addr: [4]byte{255, 255, 255, 255}}, tr("no way leads there for TCP", "TCP 没有通往那里的路"))
	s.close(d, silent)

	d = s.stream(loopback, silent)
	s.setOption(d, synCount, 1, tr("ask once more after 1 s, give up after 2 more", "1 秒后再问一次，再过 2 秒放弃"))
	s.timed().connectEx(d, open, tr("no answer at all: the queue is full", "毫无回应：队列已满"))
	s.close(d, silent)

	d = s.stream(loopback, silent)
	s.setTimeout(d, time.Second, tr("Python's own patience", "Python 自己的耐心"))
	s.connectExTimeout(d, open, tr("not 110: Python gave up, not the kernel", "不是 110：放弃的是 Python，不是内核"))
	s.close(d, silent)

	d = s.stream(loopback, silent)
	s.setOption(d, synCount, 1, silent)
	connectInBackground(s, d, open)
	s.close(d, silent)
	s.close(c, silent)
	s.close(l, silent)
	s.say(tr("113 EHOSTUNREACH takes a neighbour that does not exist: client api connect-errors ADDR",
		"113 EHOSTUNREACH 需要一个不存在的邻居：client api connect-errors ADDR"))
}

// errorsAlone meets each error of the tutorials' readers.
func errorsAlone(s *story, _ []netip.AddrPort) {
	addressErrors(s)
	brokenErrors(s)
	datagramErrors(s)
	wrongCallErrors(s)
}

func addressErrors(s *story) {
	s.say(tr("addresses", "地址"))
	a := s.stream(loopback, silent)
	s.bind(a, sockaddr(loopback), silent)
	s.listen(a, 5, silent)
	taken := sockaddr(localAddr(a))
	b := s.stream(loopback, silent)
	s.try().bind(b, taken, tr("another socket has this port", "这个端口已被别的套接字占用"))
	s.close(b, silent)
	b = s.stream(loopback, silent)
	s.try().bind(b, &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}, Port: defaultPort}, tr("no interface here has this address", "本机没有这个地址"))
	s.close(b, silent)
	s.close(a, silent)

	s.say(tr("going on after a connect_ex that failed, as two tutorials do", "connect_ex 失败后继续，两篇教程就是这样"))
	c := s.stream(loopback, silent)
	s.connectEx(c, sockaddr(netip.AddrPortFrom(loopback.Addr(), 1)), silent)
	s.try().send(c, "hello", 0, silent)
	s.try().recv(c, 1024, 0, silent)
	s.try().peerName(c, silent)
	s.close(c, silent)
}

func brokenErrors(s *story) {
	s.say(tr("a connection that breaks", "连接中断"))
	l := s.stream(loopback, silent)
	s.bind(l, sockaddr(loopback), silent)
	s.listen(l, 5, silent)
	c := s.stream(loopback, silent)
	s.connect(c, sockaddr(localAddr(l)), silent)
	a := s.accept(l, silent)
	s.send(c, "hello", 0, silent)
	s.poll(a, unix.POLLIN, soon, silent)
	s.close(a, tr("with bytes that nobody read: the kernel sends RST, not FIN", "有未读的字节：内核发 RST 而不是 FIN"))
	s.try().recv(c, 1024, 0, tr("the line is dead (Python: ConnectionResetError)", "线路已断（Python：ConnectionResetError）"))
	s.try().send(c, "hello", 0, tr("and stays so (Python: BrokenPipeError)", "一直断着（Python：BrokenPipeError）"))
	s.close(c, silent)
	s.close(l, silent)
}

func datagramErrors(s *story) {
	s.say(tr("datagrams", "数据报"))
	d := s.datagrams(loopback, silent)
	s.bind(d, sockaddr(loopback), silent)
	to := sockaddr(localAddr(d))
	s.try().sendTo(d, strings.Repeat("x", maxDatagram(unix.AF_INET)+1), to, tr("longer than a datagram can be", "超过数据报的最大长度"))
	s.sendTo(d, "0123456789", to, silent)
	s.recvFrom(d, 4, 0, tr("the rest is lost, and nothing tells", "其余丢失，没有任何提示"))
	s.sendTo(d, "0123456789", to, silent)
	s.recvMsg(d, 4, tr("unless one asks for the flags", "除非查看标志"))
	s.sendTo(d, "0123456789", to, silent)
	s.recvFrom(d, 4, unix.MSG_TRUNC, tr("MSG_TRUNC returns the length that it had", "MSG_TRUNC 返回原来的长度"))
	s.try().send(d, "hello", 0, tr("to whom?", "发给谁？"))
	s.try().sendTo(d, "hello", &unix.SockaddrInet4{Addr: [4]byte{255, 255, 255, 255}, Port: defaultPort}, tr("to all needs SO_BROADCAST", "广播需要 SO_BROADCAST"))
	s.connect(d, sockaddr(netip.AddrPortFrom(loopback.Addr(), 1)), tr("no packet, so no error yet", "没有发包，所以还没有错误"))
	s.send(d, "hello", 0, tr("taken: the kernel cannot know better", "收下了：内核无从得知"))
	s.try().recv(d, 1024, 0, tr("ICMP port unreachable has come back", "ICMP 端口不可达已返回"))
	s.close(d, silent)
}

func wrongCallErrors(s *story) {
	s.say(tr("calls that do not fit", "用错的调用"))
	t := s.stream(loopback, silent)
	s.try().recv(t, 1024, 0, tr("not connected", "没有连接"))
	s.try().accept(t, tr("it does not listen", "它没有监听"))
	s.bind(t, sockaddr(loopback), silent)
	s.listen(t, 5, silent)
	c := s.stream(loopback, silent)
	s.connect(c, sockaddr(localAddr(t)), silent)
	s.try().connect(c, sockaddr(localAddr(t)), tr("connected already", "已经连接"))
	s.shutdown(c, unix.SHUT_WR, silent)
	s.try().send(c, "hello", 0, tr("after shutdown (Windows: 10058 WSAESHUTDOWN)", "在 shutdown 之后（Windows：10058 WSAESHUTDOWN）"))
	s.close(c, silent)
	s.try().recv(c, 1024, 0, tr("closed: the number means nothing now", "已关闭：编号不再有意义"))
	s.close(t, silent)
	d := s.datagrams(loopback, silent)
	s.try().listen(d, 5, tr("a letter box has no callers", "信箱没有来电"))
	s.close(d, silent)
	s.try().socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_UDP, tr("UDP is no stream", "UDP 不是流"))
	s.try().socket(unix.AF_INET, unix.SOCK_RDM, 0, tr("the Internet protocols have no such type", "互联网协议没有这种类型"))
	s.try().socket(unix.AF_TIPC, unix.SOCK_RDM, 0, tr("TIPC would have it, if the kernel had TIPC", "TIPC 才有，前提是内核带 TIPC"))
}
