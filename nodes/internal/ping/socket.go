package ping

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// socket is a socket that hears what becomes of what it sends: answers, and the ICMP
// errors of routers and hosts on the way, from the kernel's error queue (ip(7),
// IP_RECVERR). For that a program needs no privilege.
type socket struct {
	file *os.File
	raw  syscall.RawConn
	v6   bool
	buf  [64 << 10]byte
	oob  [512]byte
}

// kind is what a socket sends: the type and protocol of socket(2).
type kind struct {
	typ, protocol int
}

// The sockets that probe. An ICMP datagram socket sends echo requests only, and gets
// the answers to its own; the kernel fills in identifier and checksum.
func udpSocket(bool) kind { return kind{unix.SOCK_DGRAM, unix.IPPROTO_UDP} }

func icmpSocket(v6 bool) kind {
	if v6 {
		return kind{unix.SOCK_DGRAM, unix.IPPROTO_ICMPV6}
	}
	return kind{unix.SOCK_DGRAM, unix.IPPROTO_ICMP}
}

func rawSocket(v6 bool) kind {
	k := icmpSocket(v6)
	k.typ = unix.SOCK_RAW
	return k
}

// open makes a socket of a kind for the family of remote.
func open(kindOf func(v6 bool) kind, remote netip.Addr) (*socket, error) {
	v6 := remote.Is6()
	family := unix.AF_INET
	if v6 {
		family = unix.AF_INET6
	}
	k := kindOf(v6)
	fd, err := unix.Socket(family, k.typ|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, k.protocol)
	if err != nil {
		return nil, openError(k, err)
	}
	s := &socket{file: os.NewFile(uintptr(fd), "probe socket"), v6: v6}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	options := []option{{unix.IP_RECVTTL, unix.IPV6_RECVHOPLIMIT, 1}}
	if k.typ != unix.SOCK_RAW { // a raw socket gets ICMP errors as packets
		options = append(options, option{unix.IP_RECVERR, unix.IPV6_RECVERR, 1})
	}
	if err := s.set(options...); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// openError words why the kernel refused a socket.
func openError(k kind, err error) error {
	detail := "ICMP datagram socket"
	switch {
	case k.typ == unix.SOCK_RAW:
		detail = "raw socket"
		if errors.Is(err, unix.EPERM) {
			detail += " (it needs root and the capability NET_RAW: in Compose cap_add: [NET_RAW], and no user:; without --raw none is needed)"
		}
	case k.protocol == unix.IPPROTO_UDP:
		detail = "UDP socket"
	case errors.Is(err, unix.EACCES):
		detail += " (this process's group is not in net.ipv4.ping_group_range; engines from 20.10 set it to all groups in containers; or use --raw, as root with NET_RAW)"
	}
	return errno.Wrap("socket", err, detail)
}

// option is an option of the IP level, by its number for each family.
type option struct{ v4, v6, value int }

// timeToLive is the TTL, or hop limit, of what is sent.
func timeToLive(ttl int) option { return option{unix.IP_TTL, unix.IPV6_UNICAST_HOPS, ttl} }

// fragmentation lets packets be fragmented on their way, or forbids it.
func fragmentation(allowed bool) option {
	if allowed {
		return option{unix.IP_MTU_DISCOVER, unix.IPV6_MTU_DISCOVER, unix.IP_PMTUDISC_DONT}
	}
	return option{unix.IP_MTU_DISCOVER, unix.IPV6_MTU_DISCOVER, unix.IP_PMTUDISC_DO}
}

func (s *socket) set(options ...option) error {
	return s.control("setsockopt", func(fd int) error {
		for _, o := range options {
			level, name := unix.IPPROTO_IP, o.v4
			if s.v6 {
				level, name = unix.IPPROTO_IPV6, o.v6
			}
			if err := unix.SetsockoptInt(fd, level, name, o.value); err != nil {
				return err
			}
		}
		return nil
	})
}

// control runs a system call on the socket's descriptor.
func (s *socket) control(call string, f func(fd int) error) error {
	var err error
	if controlErr := s.raw.Control(func(fd uintptr) { err = f(int(fd)) }); controlErr != nil {
		return controlErr
	}
	if err != nil {
		return errno.Wrap(call, err, "")
	}
	return nil
}

func (s *socket) close() error { return s.file.Close() }

// identifier binds an ICMP datagram socket and returns the identifier that the kernel
// gives its echo requests: for such a socket it is what a port is for others.
func (s *socket) identifier() (uint16, error) {
	wildcard := netip.IPv4Unspecified()
	if s.v6 {
		wildcard = netip.IPv6Unspecified()
	}
	var local netip.AddrPort
	err := s.control("bind", func(fd int) error {
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(wildcard, 0))); err != nil {
			return err
		}
		sa, err := unix.Getsockname(fd)
		local = transportAddr(sa)
		return err
	})
	return local.Port(), err
}

// send sends b. An error that an earlier packet has left behind is in the queue as
// well, and is no reason not to send.
func (s *socket) send(b []byte, to netip.AddrPort) error {
	var err error
	waitErr := s.raw.Write(func(fd uintptr) bool {
		if _, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); err != nil {
			return true
		}
		err = unix.Sendto(int(fd), b, 0, sockaddr(to))
		return !errors.Is(err, unix.EAGAIN)
	})
	if waitErr != nil {
		return waitErr
	}
	if err != nil {
		return errno.Wrap("sendto", err, to.Addr().String())
	}
	return nil
}

// heard is something that a socket has received.
type heard struct {
	at   time.Time
	data []byte // the answer; or of what an error is about, what follows its IP header
	from netip.AddrPort
	ttl  int // with which an answer arrived; 0 if the kernel did not say

	problem *problem // nil for an answer
}

// receive waits for an answer or an error, at most until the deadline. The data is
// good until the next call.
func (s *socket) receive(ctx context.Context, deadline time.Time) (heard, error) {
	if err := s.file.SetReadDeadline(deadline); err != nil {
		return heard{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var h heard
	var err error
	waitErr := s.raw.Read(func(fd uintptr) bool {
		h, err = s.tryReceive(int(fd))
		return !errors.Is(err, unix.EAGAIN)
	})
	switch {
	case ctx.Err() != nil:
		return heard{}, context.Cause(ctx)
	case waitErr != nil:
		return heard{}, waitErr
	case err != nil:
		return heard{}, errno.Wrap("recvmsg", err, "")
	}
	return h, nil
}

// tryReceive returns what there is, or EAGAIN. Errors come before answers; the errno
// that a plain recvmsg returns is that of an error in the queue.
func (s *socket) tryReceive(fd int) (heard, error) {
	for _, flags := range []int{unix.MSG_ERRQUEUE, 0, unix.MSG_ERRQUEUE} {
		n, oobn, _, from, err := unix.Recvmsg(fd, s.buf[:], s.oob[:], flags|unix.MSG_DONTWAIT)
		if err != nil {
			continue
		}
		h := heard{at: time.Now(), data: s.buf[:n], from: transportAddr(from)}
		if err := h.read(s.oob[:oobn]); err != nil {
			return heard{}, err
		}
		if flags == unix.MSG_ERRQUEUE && h.problem == nil {
			continue // not an error; the queue has other uses
		}
		return h, nil
	}
	return heard{}, unix.EAGAIN
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port()), ZoneId: zone(a.Addr())}
}

func transportAddr(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return addr.Plain(netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port)))
	}
	return netip.AddrPort{}
}
