package api

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// sockName is getsockname(2).
func (s *story) sockName(fd int, note text) {
	s.nameOf("getsockname", unix.Getsockname, fd, note)
}

// peerName is getpeername(2).
func (s *story) peerName(fd int, note text) {
	s.nameOf("getpeername", unix.Getpeername, fd, note)
}

func (s *story) nameOf(name string, ask func(int) (unix.Sockaddr, error), fd int, note text) {
	_ = s.make(newCall(name, note, fd), func() (string, error) {
		sa, err := ask(fd)
		if err != nil {
			return "", err
		}
		return addrText(sa), nil
	})
}

// fileno is Python's fileno: the descriptor, which the kernel is asked for nothing
// about.
func (s *story) fileno(fd int, note text) {
	_ = s.make(newCall("fileno", note), func() (string, error) { return fmt.Sprint(fd), nil })
}

// poll is poll(2) on one socket. It returns whether one of the events came.
func (s *story) poll(fd int, want pollEvents, limit time.Duration, note text) bool {
	came := false
	_ = s.make(newCall("poll", note, watched([]int{fd}, want), limit.Milliseconds()), func() (string, error) {
		p := pollFds([]int{fd}, want)
		if err := poll(p, limit); err != nil || p[0].Revents == 0 {
			return "0", err
		}
		came = true
		return fmt.Sprintf("1 %v", pollEvents(p[0].Revents)), nil
	})
	return came
}

// pollAll is poll(2) on several sockets, without limit. It returns those on which
// one of the events came.
func (s *story) pollAll(fds []int, want pollEvents, note text) []int {
	var came []int
	_ = s.make(newCall("poll", note, watched(fds, want), forever.Milliseconds()), func() (string, error) {
		p := pollFds(fds, want)
		if err := poll(p, forever); err != nil {
			return "", err
		}
		var got []string
		for _, one := range p {
			if one.Revents != 0 {
				came = append(came, int(one.Fd))
				got = append(got, fmt.Sprintf("%d %v", one.Fd, pollEvents(one.Revents)))
			}
		}
		return fmt.Sprintf("%d [%s]", len(came), strings.Join(got, ", ")), nil
	})
	return came
}

// watched is the first argument of poll.
func watched(fds []int, want pollEvents) string {
	all := make([]string, len(fds))
	for i, fd := range fds {
		all[i] = fmt.Sprintf("%d %v", fd, want)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func pollFds(fds []int, want pollEvents) []unix.PollFd {
	p := make([]unix.PollFd, len(fds))
	for i, fd := range fds {
		p[i] = unix.PollFd{Fd: int32(fd), Events: int16(want)}
	}
	return p
}

// poll is poll(2) for all of its time: it returns without an event only when that
// is over.
func poll(p []unix.PollFd, limit time.Duration) error {
	end := time.Now().Add(limit)
	for {
		ms := -1
		if limit >= 0 {
			// Rounded up: a wait that is too short would be followed by many of none.
			ms = int((max(0, time.Until(end)) + time.Millisecond - 1) / time.Millisecond)
		}
		_, err := unix.Poll(p, ms)
		if err == unix.EINTR {
			continue
		}
		return err
	}
}

// queued is ioctl(2) with FIONREAD: how many bytes a recv would find. It waits
// until there are n, so that what the script shows is all of them.
func (s *story) queued(fd, n int, note text) {
	var have int
	s.until(fmt.Sprintf("wait for %d bytes", n), func() (bool, error) {
		var err error
		have, err = unix.IoctlGetInt(fd, unix.SIOCINQ)
		return have >= n, err
	})
	_ = s.make(newCall("ioctl", note, fd, "FIONREAD"), func() (string, error) {
		have, err := unix.IoctlGetInt(fd, unix.SIOCINQ)
		return fmt.Sprint(have), err
	})
}

// unacknowledged is ioctl(2) with SIOCOUTQ: how many bytes the other kernel has
// not yet confirmed (tcp(7)).
func (s *story) unacknowledged(fd int, note text) {
	_ = s.make(newCall("ioctl", note, fd, "SIOCOUTQ"), func() (string, error) {
		n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		return fmt.Sprint(n), err
	})
}

// tcpStates are the states of a connection (RFC 9293, section 3.3.2) as Linux
// numbers them.
var tcpStates = [...]string{
	1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT",
	7: "CLOSE", 8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING",
}

func tcpState(n int) string {
	if n <= 0 || n >= len(tcpStates) {
		return fmt.Sprint(n)
	}
	return tcpStates[n]
}

// state is getsockopt(2) with TCP_INFO: the state of the connection.
func (s *story) state(fd int, note text) {
	s.tcpInfo(fd, note, func(i *unix.TCPInfo) string { return tcpState(int(i.State)) })
}

// window is getsockopt(2) with TCP_INFO: how many bytes the other side would take.
func (s *story) window(fd int, note text) {
	s.tcpInfo(fd, note, func(i *unix.TCPInfo) string { return fmt.Sprintf("window %d", i.Snd_wnd) })
}

func (s *story) tcpInfo(fd int, note text, show func(*unix.TCPInfo) string) {
	_ = s.make(newCall("getsockopt", note, fd, "IPPROTO_TCP", "TCP_INFO"), func() (string, error) {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return "", err
		}
		return show(info), nil
	})
}
