package api

import (
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// The telephone, as the tutorials have it.
var (
	buyPhone   = tr("buy the phone", "买手机")
	insertSIM  = tr("insert the SIM card", "插手机卡")
	switchOn   = tr("switch the phone on", "开机")
	pickUp     = tr("pick up", "接电话")
	dialUp     = tr("dial", "拨号")
	speak      = tr("speak", "说话")
	hear       = tr("listen to what is said", "听对方说话")
	hangUp     = tr("hang up", "挂电话")
	switchOff  = tr("switch the phone off", "关机")
	hungUp     = tr("the other side has hung up", "对方挂了电话")
	keepNumber = tr("the number may be used again at once", "号码可以马上再用")
	silent     = text{}
)

// bad is the descriptor of a call that gave none.
const bad = -1

// socket is socket(2).
func (s *story) socket(f family, t sockType, p protocol, note text) int {
	fd := bad
	_ = s.make(newCall("socket", note, f, t, p), func() (string, error) {
		n, err := unix.Socket(int(f), int(t)|unix.SOCK_CLOEXEC, int(p))
		return s.opened(&fd, n, err)
	})
	return fd
}

// opened takes a descriptor that a call has returned.
func (s *story) opened(fd *int, n int, err error) (string, error) {
	if err != nil {
		return "", err
	}
	s.open.add(n)
	*fd = n
	return strconv.Itoa(n), nil
}

// stream and datagrams are the sockets of the Internet protocols for an address.
func (s *story) stream(a netip.AddrPort, note text) int {
	return s.socket(familyOf(a), unix.SOCK_STREAM, 0, note)
}

func (s *story) datagrams(a netip.AddrPort, note text) int {
	return s.socket(familyOf(a), unix.SOCK_DGRAM, 0, note)
}

// bind is bind(2).
func (s *story) bind(fd int, at unix.Sockaddr, note text) error {
	return s.make(callFor("bind", note, fd, at), func() (string, error) {
		return "0", unix.Bind(fd, at)
	})
}

// callFor is a call of a socket and an address.
func callFor(name string, note text, fd int, a unix.Sockaddr) call {
	c := newCall(name, note, fd, addrText(a))
	c.to = addrText(a)
	return c
}

// listen is listen(2).
func (s *story) listen(fd, backlog int, note text) error {
	return s.make(newCall("listen", note, fd, backlog), func() (string, error) {
		return "0", unix.Listen(fd, backlog)
	})
}

// accept is accept(2).
func (s *story) accept(fd int, note text) int {
	got := bad
	_ = s.make(newCall("accept", note, fd), func() (string, error) {
		n, from, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
		result, err := s.opened(&got, n, err)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s from %s", result, addrText(from)), nil
	})
	return got
}

// connect is connect(2).
func (s *story) connect(fd int, to unix.Sockaddr, note text) error {
	return s.make(callFor("connect", note, fd, to), func() (string, error) {
		return "0", unix.Connect(fd, to)
	})
}

// connectEx is Python's connect_ex: connect(2), whose errno is its result.
func (s *story) connectEx(fd int, to unix.Sockaddr, note text) error {
	c := callFor("connect_ex", note, fd, to)
	c.ex = true
	return s.try().make(c, func() (string, error) { return "0", unix.Connect(fd, to) })
}

// shutdown is shutdown(2).
func (s *story) shutdown(fd int, h how, note text) error {
	return s.make(newCall("shutdown", note, fd, h), func() (string, error) {
		return "0", unix.Shutdown(fd, int(h))
	})
}

// close is close(2). To close what was never opened is no call.
func (s *story) close(fd int, note text) {
	if fd == bad {
		return
	}
	delete(s.timeouts, fd)
	_ = s.make(newCall("close", note, fd), func() (string, error) { return "0", s.open.close(fd) })
}

// listener makes a socket that others can connect to, and says that it is ready.
func (s *story) listener(at netip.AddrPort, backlog int) int {
	l := s.stream(at, buyPhone)
	s.setOption(l, reuseAddr, 1, keepNumber)
	s.bind(l, sockaddr(at), insertSIM)
	s.listen(l, backlog, switchOn)
	s.ready(l)
	return l
}

// caller makes a socket that is connected.
func (s *story) caller(to netip.AddrPort) int {
	c := s.stream(to, buyPhone)
	s.connect(c, sockaddr(to), dialUp)
	return c
}

// withPort completes an address whose port the kernel is to choose: it is bound to,
// and given up, for the script that prints the address to begin with.
func (s *story) withPort(a netip.AddrPort) netip.AddrPort {
	if a.Port() != 0 || s.over() {
		return a
	}
	fd, err := unix.Socket(int(familyOf(a)), unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		s.err = fmt.Errorf("socket: %w", err)
		return a
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, sockaddr(a)); err != nil {
		s.err = fmt.Errorf("bind: %w", err)
		return a
	}
	return localAddr(fd)
}

// localAddr is what fd is bound to, or none.
func localAddr(fd int) netip.AddrPort {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	return addrPort(sa)
}

// remoteAddr is what fd is connected to, or none.
func remoteAddr(fd int) netip.AddrPort {
	sa, err := unix.Getpeername(fd)
	if err != nil {
		return netip.AddrPort{}
	}
	return addrPort(sa)
}
