package turn

import (
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/batch"
)

// parcel is ChannelData of one channel on its way to the peer: datagrams that go in as
// few system calls, and passes through the kernel, as there can be (package batch).
type parcel struct {
	from   *allocation
	number uint16
	to     destination
	data   []batch.Message
	bytes  int
}

// add adds a datagram. Where it is of another channel, what there is goes first.
func (p *parcel) add(b *batch.Batch, a *allocation, number uint16, data []byte) {
	if p.from != a || p.number != number {
		p.send(b)
		to, ok := a.channel(number)
		if !ok {
			return
		}
		p.from, p.number, p.to = a, number, to
	}
	p.data = append(p.data, batch.Message{Payload: data, Size: len(data)})
	p.bytes += len(data)
}

// send sends what there is. What it points to is b's.
func (p *parcel) send(b *batch.Batch) {
	a := p.from
	if len(p.data) == 0 {
		return
	}
	switch own, ok := a.may(p.to.peer, p.bytes); {
	case !ok:
		a.dropped.Add(int64(len(p.data)))
	case own:
		for _, d := range p.data {
			a.toSelf(p.to.peer, d.Payload)
		}
	default:
		n, bytes := a.Send(b, p.data, batch.Destination{To: p.to.name}, func(error) {})
		a.toPeers.add(n, bytes)
		a.dropped.Add(int64(len(p.data) - n))
	}
	*p = parcel{data: p.data[:0]}
}

// Room for ChannelData that goes to a client in one go, in bytes: more than one message
// of a batch with all its headers.
const roomSize = 256 << 10

var rooms = sync.Pool{New: func() any { b := make([]byte, 0, roomSize); return &b }}

// fromPeers carries the datagrams of a batch to the client: those by channels to a client
// over UDP together, the others one by one.
func (a *allocation) fromPeers(b *batch.Batch) {
	side, together := a.side.(*udpSide)
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room)
	out := homeward{allocation: a, side: side, room: (*room)[:0]}
	for i := range b.Messages {
		m := &b.Messages[i]
		peer := addr.Plain(m.From.AddrPort())
		channel, ok := a.known(peer)
		switch {
		case !ok:
		case channel != 0 && together:
			out.add(b, channel, m)
		default:
			out.send(b) // in order
			for rest := m.Payload; ; {
				n := min(m.Size, len(rest))
				a.toClientAs(peer, channel, rest[:n])
				if rest = rest[n:]; len(rest) == 0 {
					break
				}
			}
		}
	}
	out.send(b)
}

// homeward is ChannelData on its way to a client.
type homeward struct {
	*allocation
	side     *udpSide
	room     []byte
	messages []batch.Message
	count    int // of datagrams
}

// add adds a message's datagrams, each with its header.
func (h *homeward) add(b *batch.Batch, channel uint16, m *batch.Message) {
	if h.down != nil && !h.down.take(len(m.Payload), time.Now()) {
		h.dropped.Add(int64(m.Datagrams()))
		return
	}
	if len(h.room)+len(m.Payload)+channelHeader*m.Datagrams() > cap(h.room) {
		h.send(b)
	}
	begin := len(h.room)
	for rest := m.Payload; ; {
		n := min(m.Size, len(rest))
		h.room = appendChannelData(h.room, channel, rest[:n])
		if rest = rest[n:]; len(rest) == 0 {
			break
		}
	}
	h.messages = append(h.messages, batch.Message{Payload: h.room[begin:], Size: m.Size + channelHeader})
	h.count += m.Datagrams()
}

// send sends what there is.
func (h *homeward) send(b *batch.Batch) {
	if len(h.messages) == 0 {
		return
	}
	n, bytes := h.side.sendAll(b, h.client, h.messages)
	h.toClient.add(n, bytes-n*channelHeader)
	h.dropped.Add(int64(h.count - n))
	h.room, h.messages, h.count = h.room[:0], h.messages[:0], 0
}
