package batch

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A run that is sent in one piece has at most maxRun datagrams (UDP_MAX_SEGMENTS of the
// kernel, 64 before Linux 6.9) and maxBytes bytes, the most that one datagram over
// IPv4 may have (RFC 791: 65,535 with headers of 20 and 8).
const (
	maxRun   = 64
	maxBytes = 65507
)

// MaxControl is the size of the largest control message of a Destination, in bytes.
const MaxControl = 40

// outgoing is what sendmmsg(2) is given.
type outgoing struct {
	runs    []run
	parts   []unix.Iovec
	out     []header
	control []byte
	send    func(fd uintptr) bool // trySend; kept, since each method value is an allocation
	sent    int                   // runs that the last call has sent

	at, partsAt int // the first run that is left, and its first part
}

// left are the runs that were neither sent nor dropped.
func (o *outgoing) left() []run { return o.runs[o.at:] }

// drop leaves out the first n runs that are left.
func (o *outgoing) drop(n int) {
	for _, r := range o.runs[o.at:][:n] {
		o.partsAt += r.parts
	}
	o.at += n
}

// run is datagrams that are sent in one piece.
type run struct {
	parts            int // how many of outgoing.parts
	size             int // of each datagram, in bytes; the last may be shorter
	datagrams, bytes int
	open             bool // another datagram may follow: the last is not shorter
}

// plan makes runs of messages: where join is set, as few as there can be.
func (b *Batch) plan(messages []Message, join bool) {
	b.runs, b.parts, b.at, b.partsAt = b.runs[:0], b.parts[:0], 0, 0
	for i := range messages {
		m := &messages[i]
		if len(m.Payload) == 0 {
			b.runs = append(b.runs, run{datagrams: 1})
			continue
		}
		most := m.Size
		if join {
			most *= min(maxRun, max(1, maxBytes/m.Size))
		}
		for rest := m.Payload; len(rest) > 0; {
			n := min(most, len(rest))
			b.add(rest[:n], m.Size, join)
			rest = rest[n:]
		}
	}
}

// add appends datagrams of a size to the last run, if they fit and join is set, or
// makes another run of them.
func (b *Batch) add(payload []byte, size int, join bool) {
	part := unix.Iovec{Base: &payload[0]}
	part.SetLen(len(payload))
	b.parts = append(b.parts, part)
	n := (len(payload) + size - 1) / size
	if join && len(b.runs) > 0 {
		r := &b.runs[len(b.runs)-1]
		fits := r.size == size || n == 1 && len(payload) < r.size
		if r.open && fits && r.datagrams+n <= maxRun && r.bytes+len(payload) <= maxBytes {
			r.parts++
			r.datagrams += n
			r.bytes += len(payload)
			r.open = len(payload)%r.size == 0
			return
		}
	}
	b.runs = append(b.runs, run{parts: 1, size: size, datagrams: n, bytes: len(payload), open: len(payload)%size == 0})
}

// split makes a run of every datagram that is left.
func (b *Batch) split() {
	joined, parts := b.left(), b.parts[b.partsAt:]
	b.runs, b.parts, b.at, b.partsAt = nil, nil, 0, 0
	for _, r := range joined {
		if r.parts == 0 {
			b.runs = append(b.runs, r)
		}
		for _, p := range parts[:r.parts] {
			for rest := bytesOf(p); len(rest) > 0; {
				n := min(r.size, len(rest))
				b.add(rest[:n], n, false)
				rest = rest[n:]
			}
		}
		parts = parts[r.parts:]
	}
}

// outControl is room for the control messages of one run, in bytes.
const outControl = MaxControl + 24

// address makes the headers of the runs, to d.
func (b *Batch) address(d Destination) {
	b.out = b.out[:0]
	if need := len(b.runs) * outControl; cap(b.outgoing.control) < need {
		b.outgoing.control = make([]byte, need)
	}
	parts := b.parts
	for i, r := range b.runs {
		var h header
		if d.To != nil {
			h.message.Name = (*byte)(unsafe.Pointer(&d.To.raw))
			h.message.Namelen = d.To.length
		}
		if r.parts > 0 {
			h.message.Iov = &parts[0]
			h.message.SetIovlen(r.parts)
			parts = parts[r.parts:]
		}
		control := b.outgoing.control[i*outControl : i*outControl : (i+1)*outControl]
		control = append(control, d.Control...)
		if r.datagrams > 1 {
			control = appendSegmentSize(control, r.size)
		}
		if len(control) > 0 {
			h.message.Control = &control[0]
			h.message.SetControllen(len(control))
		}
		b.out = append(b.out, h)
	}
}

// appendSegmentSize appends the control message that has a run sent as datagrams of
// size bytes.
func appendSegmentSize(control []byte, size int) []byte {
	at := len(control)
	control = control[:at+unix.CmsgSpace(2)]
	clear(control[at:])
	h := (*unix.Cmsghdr)(unsafe.Pointer(&control[at]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(control[at+unix.CmsgLen(0):], uint16(size))
	return control
}

// trySend sends as many runs as the socket takes without waiting.
func (b *Batch) trySend(fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&b.out[b.at])), uintptr(len(b.out)-b.at), unix.MSG_DONTWAIT, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		b.sent, b.errno = int(n), errno
		return errno != unix.EAGAIN
	}
}

// bytesOf is what v points to.
func bytesOf(v unix.Iovec) []byte { return unsafe.Slice(v.Base, v.Len) }
