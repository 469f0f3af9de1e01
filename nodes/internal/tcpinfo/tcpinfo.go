// Package tcpinfo asks the kernel what has become of a TCP connection.
package tcpinfo

import (
	"net"

	"golang.org/x/sys/unix"
)

// Moved returns how many bytes c has received, and has sent and seen acknowledged, and
// whether an error has ended it that nobody has been told yet. Of a closed c it returns
// 0. It reads the kernel's counters, so it costs those who read and write nothing; and it
// leaves the error where it is, since who reads c in this moment would otherwise see the
// end of the stream in place of a reset.
func Moved(c *net.TCPConn) (n uint64, failed bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		n = info.Bytes_received + info.Bytes_acked
		failed = info.State == tcpClose && hasError(int(fd))
	})
	return n, failed
}

// Take takes the error that has ended c. From then on whoever reads c sees the end of the
// stream, so who takes it must first see to it that this is not passed on. It is nil if
// another was told it meanwhile.
func Take(c *net.TCPConn) (err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	controlErr := raw.Control(func(fd uintptr) {
		no, optErr := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if optErr == nil && no != 0 {
			err = unix.Errno(no)
		}
	})
	if controlErr != nil {
		return nil // closed
	}
	return err
}

// tcpClose is TCP_CLOSE of the kernel's include/net/tcp_states.h: an RST has ended the
// connection, or both FINs have, in which case there may be bytes still to read.
const tcpClose = 7

// hasError reports whether a socket has an error, by POLLERR, which does not take it.
func hasError(fd int) bool {
	fds := [1]unix.PollFd{{Fd: int32(fd)}}
	_, err := unix.Poll(fds[:], 0)
	return err == nil && fds[0].Revents&unix.POLLERR != 0
}
