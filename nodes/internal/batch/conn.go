package batch

import (
	"net"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Conn is a UDP socket that is read and written by the batch. Its methods may be
// called by several goroutines at once.
type Conn struct {
	*net.UDPConn

	raw      syscall.RawConn
	separate atomic.Bool // runs cannot be sent in one piece: found out by trying
}

// New returns c as a Conn. Where the kernel knows no UDP_GRO (before Linux 5.0), every
// datagram comes by itself.
func New(c *net.UDPConn) (*Conn, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	if err := raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1)
	}); err != nil {
		return nil, err
	}
	return &Conn{UDPConn: c, raw: raw}, nil
}

// Receive waits for datagrams and returns those that there are, at least one message.
// A batch is taken only when there is something to put in it, so a silent socket
// holds no memory. The caller calls Release when it is done with it.
func (c *Conn) Receive() (*Batch, error) {
	var b *Batch
	err := c.raw.Read(func(fd uintptr) bool {
		b = take()
		b.receive(fd)
		if b.errno == unix.EAGAIN {
			b.Release()
			return false
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if b.errno != 0 {
		err := b.errno
		b.Release()
		return nil, err
	}
	return b, nil
}

// Destination is where to send: nothing of it need be set on a connected socket.
type Destination struct {
	To      *Name
	Control []byte // a control message that goes with every datagram, such as IP_PKTINFO; at most MaxControl
}

// Send sends messages of b in order, and returns what was sent. A message that cannot
// be sent is left out, for the reason that is given to trouble, and the rest
// are sent all the same: so it is with datagrams.
//
// ECONNREFUSED, EHOSTUNREACH and ENETUNREACH tell of an ICMP message that an earlier
// datagram brought about (RFC 1122 section 4.1.3.3), so they are reported, and the
// message is sent again.
func (c *Conn) Send(b *Batch, messages []Message, d Destination, trouble func(error)) (datagrams, bytes int) {
	b.plan(messages, !c.separate.Load())
	b.address(d)
	again := false
	for len(b.left()) > 0 {
		if err := c.raw.Write(b.send); err != nil {
			trouble(err)
			return datagrams, bytes
		}
		if b.errno == 0 {
			for _, r := range b.left()[:b.sent] {
				datagrams += r.datagrams
				bytes += r.bytes
			}
			b.drop(b.sent)
			again = false
			continue
		}
		switch first := b.left()[0]; {
		case first.datagrams > 1 && cannotSegment(b.errno):
			if b.errno == unix.EIO {
				c.separate.Store(true) // it is the interface's, and stays so
			}
			b.split()
			b.address(d)
		case earlier(b.errno) && !again:
			again = true
			trouble(b.errno)
		default:
			trouble(b.errno)
			b.drop(1)
			again = false
		}
	}
	return datagrams, bytes
}

// cannotSegment reports whether no says that a run cannot be sent in one piece: EIO
// where the interface cannot compute the checksums of the parts, EINVAL and EMSGSIZE
// where a datagram is larger than the path's MTU and needs fragments.
func cannotSegment(no unix.Errno) bool {
	return no == unix.EIO || no == unix.EINVAL || no == unix.EMSGSIZE
}

// earlier reports whether no is about a datagram that was sent before.
func earlier(no unix.Errno) bool {
	return no == unix.ECONNREFUSED || no == unix.EHOSTUNREACH || no == unix.ENETUNREACH
}
