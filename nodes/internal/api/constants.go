package api

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The arguments of socket, named as C and Python name them.
type (
	family   int
	sockType int
	protocol int
)

func (f family) String() string {
	return name(int(f), map[int]string{
		unix.AF_INET: "AF_INET", unix.AF_INET6: "AF_INET6", unix.AF_UNIX: "AF_UNIX", unix.AF_TIPC: "AF_TIPC",
	})
}

func (t sockType) String() string {
	return name(int(t), map[int]string{
		unix.SOCK_STREAM: "SOCK_STREAM", unix.SOCK_DGRAM: "SOCK_DGRAM", unix.SOCK_RAW: "SOCK_RAW",
		unix.SOCK_RDM: "SOCK_RDM", unix.SOCK_SEQPACKET: "SOCK_SEQPACKET",
	})
}

func (p protocol) String() string {
	return name(int(p), map[int]string{
		unix.IPPROTO_ICMP: "IPPROTO_ICMP", unix.IPPROTO_TCP: "IPPROTO_TCP", unix.IPPROTO_UDP: "IPPROTO_UDP",
	})
}

// how is the argument of shutdown.
type how int

func (h how) String() string {
	return name(int(h), map[int]string{unix.SHUT_RD: "SHUT_RD", unix.SHUT_WR: "SHUT_WR", unix.SHUT_RDWR: "SHUT_RDWR"})
}

func name(v int, names map[int]string) string {
	if n, ok := names[v]; ok {
		return n
	}
	return strconv.Itoa(v)
}

// flags are the last argument of send and recv.
type flags int

func (f flags) String() string {
	return bits(int(f), []bit{
		{unix.MSG_PEEK, "MSG_PEEK"}, {unix.MSG_WAITALL, "MSG_WAITALL"}, {unix.MSG_DONTWAIT, "MSG_DONTWAIT"},
		{unix.MSG_TRUNC, "MSG_TRUNC"}, {unix.MSG_EOR, "MSG_EOR"},
	})
}

// pollEvents are what poll waits for and what it returns.
type pollEvents int16

func (e pollEvents) String() string {
	return bits(int(e), []bit{
		{unix.POLLIN, "POLLIN"}, {unix.POLLOUT, "POLLOUT"}, {unix.POLLERR, "POLLERR"}, {unix.POLLHUP, "POLLHUP"},
	})
}

type bit struct {
	value int
	name  string
}

// bits names the bits of v, "A|B", and 0 if there are none.
func bits(v int, names []bit) string {
	var set []string
	for _, b := range names {
		if v&b.value != 0 {
			set = append(set, b.name)
			v &^= b.value
		}
	}
	if v != 0 || len(set) == 0 {
		set = append(set, strconv.Itoa(v))
	}
	return strings.Join(set, "|")
}
