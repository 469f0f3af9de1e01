package batch

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// messageCount is how many messages one system call receives at most.
	messageCount = 32
	// messageSize holds any datagram, and any run of them.
	messageSize = 1 << 16
	// freeCount is how many batches are kept: as many as goroutines are likely to
	// be at work at once. A batch has 2 MiB, of which untouched pages take none.
	freeCount = 4
)

// Batch is room for messages, and what is needed to send them on.
type Batch struct {
	Messages []Message

	memory  []byte
	names   [messageCount]Name
	vectors [messageCount]unix.Iovec
	control [messageCount][controlSize]byte
	headers [messageCount]header

	outgoing
	errno unix.Errno // of the last system call
}

// header is the kernel's struct mmsghdr.
type header struct {
	message unix.Msghdr
	n       uint32
}

// controlSize is room for an address (IP_PKTINFO, or IPV6_PKTINFO of 40 bytes) and a
// size (UDP_GRO, 24 bytes).
const controlSize = 64

var free = make(chan *Batch, freeCount)

// take returns a batch of nothing.
func take() *Batch {
	select {
	case b := <-free:
		return b
	default:
	}
	b := &Batch{memory: make([]byte, messageCount*messageSize), Messages: make([]Message, 0, messageCount)}
	for i := range b.headers {
		b.vectors[i].Base = &b.memory[i*messageSize]
		b.vectors[i].SetLen(messageSize)
		h := &b.headers[i].message
		h.Name = (*byte)(unsafe.Pointer(&b.names[i].raw))
		h.Iov = &b.vectors[i]
		h.SetIovlen(1)
		h.Control = &b.control[i][0]
	}
	b.outgoing.send = b.trySend
	return b
}

// Release gives b back. Nothing of it may be used any more.
func (b *Batch) Release() {
	b.Messages = b.Messages[:0]
	select {
	case free <- b:
	default:
	}
}

// receive takes what has arrived at the socket fd, without waiting.
func (b *Batch) receive(fd uintptr) {
	for i := range b.headers {
		h := &b.headers[i].message
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(controlSize)
	}
	var n uintptr
	for {
		n, _, b.errno = unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.headers[0])), messageCount, unix.MSG_DONTWAIT, 0, 0)
		if b.errno != unix.EINTR {
			break
		}
	}
	if b.errno != 0 {
		return
	}
	for i := range int(n) {
		b.Messages = append(b.Messages, b.message(i))
	}
}

// message is the message that was received as number i.
func (b *Batch) message(i int) Message {
	h := &b.headers[i]
	b.names[i].length = h.message.Namelen
	m := Message{Payload: b.memory[i*messageSize:][:h.n], Size: int(h.n), From: &b.names[i]}
	rest := b.control[i][:h.message.Controllen]
	for len(rest) >= unix.SizeofCmsghdr {
		kind, data, next, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			break
		}
		rest = next
		switch {
		case kind.Level == unix.IPPROTO_UDP && kind.Type == unix.UDP_GRO && len(data) >= 4:
			if size := int(binary.NativeEndian.Uint32(data)); size > 0 && size < len(m.Payload) {
				m.Size = size
			}
		case kind.Level == unix.IPPROTO_IP && kind.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			m.Local = netip.AddrFrom4([4]byte(data[4:8])) // ipi_spec_dst
		case kind.Level == unix.IPPROTO_IPV6 && kind.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			m.Local = netip.AddrFrom16([16]byte(data[:16])) // ipi6_addr
		}
	}
	return m
}
