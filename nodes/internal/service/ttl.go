package service

import (
	"net"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// askForTTL has the kernel keep the TTL for handshakeTTL. Accepted sockets inherit
// the option. A kernel without it only means that no TTL is shown.
func askForTTL(network, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		if strings.HasSuffix(network, "4") {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTTL, 1)
		} else {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1)
		}
	})
}

// handshakeTTL returns the TTL, or hop limit, of the segment that completed the
// handshake of an accepted connection, or 0 if the kernel does not say. For a
// stream the kernel keeps that one alone: tcp_v4_syn_recv_sock stores it, and
// getsockopt IP_PKTOPTIONS (IPV6_2292PKTOPTIONS) returns it as a control message.
func handshakeTTL(tcp *net.TCPConn) int {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0
	}
	ttl := 0
	err = raw.Control(func(fd uintptr) {
		var v4 ipv4.ControlMessage
		if b := packetOptions(fd, unix.IPPROTO_IP, unix.IP_PKTOPTIONS); v4.Parse(b) == nil {
			ttl = v4.TTL
		}
		var v6 ipv6.ControlMessage
		if b := packetOptions(fd, unix.IPPROTO_IPV6, unix.IPV6_2292PKTOPTIONS); v6.Parse(b) == nil {
			ttl = max(ttl, v6.HopLimit)
		}
	})
	if err != nil {
		return 0
	}
	return ttl
}

// packetOptions calls getsockopt for an option whose value is control messages;
// golang.org/x/sys/unix has it for fixed types only.
func packetOptions(fd uintptr, level, option int) []byte {
	b := make([]byte, 64)
	size := uint32(len(b))
	_, _, no := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&size)), 0)
	if no != 0 {
		return nil
	}
	return b[:size]
}
