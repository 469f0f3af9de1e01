package api

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// option is a socket option.
type option struct {
	level, number int
	name          string // of both, as the arguments are written
}

var (
	reuseAddr   = option{unix.SOL_SOCKET, unix.SO_REUSEADDR, "SOL_SOCKET, SO_REUSEADDR"}
	sockErr     = option{unix.SOL_SOCKET, unix.SO_ERROR, "SOL_SOCKET, SO_ERROR"}
	sockTyp     = option{unix.SOL_SOCKET, unix.SO_TYPE, "SOL_SOCKET, SO_TYPE"}
	acceptConn  = option{unix.SOL_SOCKET, unix.SO_ACCEPTCONN, "SOL_SOCKET, SO_ACCEPTCONN"}
	keepAlive   = option{unix.SOL_SOCKET, unix.SO_KEEPALIVE, "SOL_SOCKET, SO_KEEPALIVE"}
	broadcast   = option{unix.SOL_SOCKET, unix.SO_BROADCAST, "SOL_SOCKET, SO_BROADCAST"}
	rcvBuf      = option{unix.SOL_SOCKET, unix.SO_RCVBUF, "SOL_SOCKET, SO_RCVBUF"}
	sndBuf      = option{unix.SOL_SOCKET, unix.SO_SNDBUF, "SOL_SOCKET, SO_SNDBUF"}
	linger      = option{unix.SOL_SOCKET, unix.SO_LINGER, "SOL_SOCKET, SO_LINGER"}
	noCheck     = option{unix.SOL_SOCKET, unix.SO_NO_CHECK, "SOL_SOCKET, SO_NO_CHECK"}
	noDelay     = option{unix.IPPROTO_TCP, unix.TCP_NODELAY, "IPPROTO_TCP, TCP_NODELAY"}
	keepIdle    = option{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, "IPPROTO_TCP, TCP_KEEPIDLE"}
	keepIntvl   = option{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, "IPPROTO_TCP, TCP_KEEPINTVL"}
	keepCount   = option{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, "IPPROTO_TCP, TCP_KEEPCNT"}
	userTimeout = option{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, "IPPROTO_TCP, TCP_USER_TIMEOUT"}
	synCount    = option{unix.IPPROTO_TCP, unix.TCP_SYNCNT, "IPPROTO_TCP, TCP_SYNCNT"}
	v6Only      = option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, "IPPROTO_IPV6, IPV6_V6ONLY"}
	icmpFilter  = option{unix.SOL_RAW, unix.ICMP_FILTER, "SOL_RAW, ICMP_FILTER"}
	noOption    = option{unix.IPPROTO_TCP, 999, "IPPROTO_TCP, 999"}
)

// setOption is setsockopt(2) with an int.
func (s *story) setOption(fd int, o option, value int, note text) {
	_ = s.make(newCall("setsockopt", note, fd, o, value), func() (string, error) {
		return "0", unix.SetsockoptInt(fd, o.level, o.number, value)
	})
}

// setLinger is setsockopt(2) with SO_LINGER.
func (s *story) setLinger(fd int, d time.Duration, note text) {
	seconds := int32(d / time.Second)
	_ = s.make(newCall("setsockopt", note, fd, linger, fmt.Sprintf("{1, %d}", seconds)), func() (string, error) {
		return "0", unix.SetsockoptLinger(fd, linger.level, linger.number, &unix.Linger{Onoff: 1, Linger: seconds})
	})
}

// option is getsockopt(2) of an int.
func (s *story) option(fd int, o option, note text) int {
	var v int
	_ = s.make(newCall("getsockopt", note, fd, o), func() (_ string, err error) {
		v, err = unix.GetsockoptInt(fd, o.level, o.number)
		return strconv.Itoa(v), err
	})
	return v
}

// optionBytes is getsockopt(2) with a buffer, as Python's with a third argument.
func (s *story) optionBytes(fd int, o option, size int, note text) {
	_ = s.make(newCall("getsockopt", note, fd, o, size), func() (string, error) {
		b := make([]byte, size)
		n, err := getsockopt(fd, o.level, o.number, b)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d bytes [% x]", n, b[:n]), nil
	})
}

// socketError is getsockopt of SO_ERROR, and returns it: how a connect ended that
// did not wait.
func (s *story) socketError(fd int, note text) error {
	var ended error
	_ = s.make(newCall("getsockopt", note, fd, sockErr), func() (string, error) {
		v, err := unix.GetsockoptInt(fd, sockErr.level, sockErr.number)
		if err != nil || v == 0 {
			return strconv.Itoa(v), err
		}
		no := unix.Errno(v)
		ended = no
		return fmt.Sprintf("%d %s%s", v, errnoName(no), mention(no)), nil
	})
	return ended
}
