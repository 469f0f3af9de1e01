package capture

import (
	"net/netip"

	"github.com/gopacket/gopacket/layers"
)

// maxConversations is how many TCP conversations are remembered.
const maxConversations = 4096

// conversations follows the TCP conversations of a capture, so that a segment can
// be shown with what those before it say of it.
type conversations map[conversationKey]*conversation

// conversationKey is a conversation as one interface sees it: a router sees each
// packet twice, and the second time is not a repetition.
type conversationKey struct {
	index       int
	first, last netip.AddrPort // in the order of the addresses
}

// conversation is the two directions of a TCP connection.
type conversation struct {
	ends  [2]end // of the first address of the key, and of the last
	reset bool
}

// end is one of the two ends, as what it sent shows it.
type end struct {
	seen   bool   // something of it was seen
	known  bool   // base is known, from it or from what the other end acknowledged
	base   uint32 // the sequence number that is shown as 0
	next   uint32 // the sequence number after the last byte seen
	window int    // the last that it offered, in bytes
	scale  int    // the shift of its window, or one of the two below

	fin      bool // it said FIN
	finAcked bool // and the other end has it
}

const (
	unknownScale = -2 // its SYN was not seen
	noScale      = -1 // its SYN had no such option
)

// segmentContext is what is known of a segment from the conversation it belongs to.
type segmentContext struct {
	seq, ack uint32 // relative to the first of each direction
	window   int    // in bytes; as the header has it, if the scale is not known
	unscaled bool   // the scale is not known
	note     string // what is remarkable about the segment, or ""
	closed   bool   // the conversation is over, with this segment
}

// add follows the segment of p, and fills in p's context.
func (c conversations) add(p *packet) {
	source, destination := p.addresses()
	key := conversationKey{index: p.index, first: source, last: destination}
	from, to := 0, 1
	if destination.Compare(source) < 0 {
		key.first, key.last = destination, source
		from, to = 1, 0
	}
	talk := c[key]
	if talk == nil || p.tcp.SYN && !p.tcp.ACK && talk.ends[from].begunAnew(p.tcp) {
		if len(c) >= maxConversations {
			clear(c) // those that go on count from where they are found again
		}
		talk = &conversation{ends: [2]end{{scale: unknownScale}, {scale: unknownScale}}}
		c[key] = talk
	}
	p.context = talk.segment(&talk.ends[from], &talk.ends[to], p.tcp, len(p.payload))
}

// begunAnew tells a SYN of a new connection from one that is sent again.
func (e *end) begunAnew(syn *layers.TCP) bool { return !e.known || e.base != syn.Seq }

// segment takes in a segment with n bytes of payload.
func (c *conversation) segment(from, to *end, tcp *layers.TCP, n int) segmentContext {
	was := c.over()
	from.meet(tcp)
	to.acknowledged(tcp)
	var s segmentContext
	s.note = from.judge(to, tcp, n)
	s.seq = tcp.Seq - from.base
	if tcp.ACK {
		s.ack = tcp.Ack - to.base
	}
	s.window, s.unscaled = from.offer(to, tcp)
	from.advance(tcp, n)
	if tcp.RST {
		c.reset = true
	}
	s.closed = !was && c.over()
	return s
}

// over tells whether both ends have said FIN and know that the other has it, or one
// has said RST.
func (c *conversation) over() bool {
	return c.reset || c.ends[0].finAcked && c.ends[1].finAcked
}

// meet learns the first sequence number of the direction. If the SYN was not seen
// it is taken to be the one before, so that the first byte is number 1 also then.
func (e *end) meet(tcp *layers.TCP) {
	if !e.known {
		e.known, e.base = true, tcp.Seq
		if !tcp.SYN && !tcp.RST {
			e.base--
		}
	}
	if !e.seen {
		e.seen, e.next = true, tcp.Seq
	}
	if tcp.SYN {
		e.scale = windowScale(tcp)
	}
}

// acknowledged learns what the other end has.
func (e *end) acknowledged(tcp *layers.TCP) {
	if !tcp.ACK {
		return
	}
	if !e.known {
		e.known, e.base = true, tcp.Ack-1
	}
	if e.fin && int32(tcp.Ack-e.next) >= 0 {
		e.finAcked = true
	}
}

// judge says what is remarkable about a segment.
func (e *end) judge(to *end, tcp *layers.TCP, n int) string {
	length := sequenceLength(tcp, n)
	behind := int32(e.next - tcp.Seq) // how far it begins before what is due
	switch {
	case tcp.RST:
		return ""
	case behind == 1 && length == 0:
		// Both say the number before the next one (RFC 9293 sections 3.8.4 and 3.8.6.1).
		if to.seen && to.window == 0 {
			return "window probe"
		}
		return "keepalive"
	case length > 0 && behind >= int32(length):
		return "again"
	case length > 0 && behind < 0:
		return "out of order"
	}
	return ""
}

// offer returns the window of a segment in bytes. Windows are scaled only if both
// SYNs say so, and never in a SYN (RFC 7323 section 2.2).
func (e *end) offer(to *end, tcp *layers.TCP) (window int, unscaled bool) {
	window = int(tcp.Window)
	switch {
	case tcp.SYN:
	case e.scale >= 0 && to.scale >= 0:
		window <<= e.scale
	case e.scale == unknownScale || to.scale == unknownScale:
		unscaled = e.scale != noScale && to.scale != noScale
	}
	e.window = window
	return window, unscaled
}

// advance moves on to what is due next.
func (e *end) advance(tcp *layers.TCP, n int) {
	after := tcp.Seq + uint32(sequenceLength(tcp, n))
	if int32(after-e.next) > 0 {
		e.next = after
	}
	if tcp.FIN {
		e.fin = true
	}
}

// windowScale returns the shift that a SYN announces.
func windowScale(syn *layers.TCP) int {
	for _, o := range syn.Options {
		if o.OptionType == layers.TCPOptionKindWindowScale && len(o.OptionData) == 1 {
			return min(int(o.OptionData[0]), 14) // RFC 7323 section 2.3
		}
	}
	return noScale
}

// sequenceLength is how many sequence numbers a segment takes up: SYN and FIN have
// one each.
func sequenceLength(tcp *layers.TCP, n int) int {
	if tcp.SYN {
		n++
	}
	if tcp.FIN {
		n++
	}
	return n
}
