package turn

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// traffic counts what was carried in one direction.
type traffic struct{ datagrams, bytes atomic.Int64 }

func (t *traffic) add(datagrams, bytes int) {
	t.datagrams.Add(int64(datagrams))
	t.bytes.Add(int64(bytes))
}

// toPeer carries a client's datagram.
func (a *allocation) toPeer(peer netip.AddrPort, data []byte) {
	own, ok := a.may(peer, len(data))
	switch {
	case !ok:
		a.dropped.Add(1)
	case own:
		a.toSelf(peer, data)
	default:
		if _, err := a.WriteToUDPAddrPort(data, peer); err != nil {
			a.dropped.Add(1) // no route for example; UDP promises nothing
			return
		}
		a.toPeers.add(1, len(data))
	}
}

// toSelf carries a datagram to another allocation of this relay, without the network. An
// address of the relay is a peer only as long as it is a relayed transport address.
func (a *allocation) toSelf(peer netip.AddrPort, data []byte) {
	other := a.relay.table.at(peer)
	if other == nil {
		a.dropped.Add(1)
		return
	}
	a.toPeers.add(1, len(data))
	other.fromPeer(a.relayed, data)
}

// headroom is what may stand before the data in a message to a client, and after it.
const headroom = stunHeader + 24 + 4 + 3

var buffers = sync.Pool{New: func() any { b := make([]byte, headroom+1<<16); return &b }}

// ReadFrom carries what comes from peers until the allocation ends. Its error makes
// pion/turn forget the allocation.
func (a *allocation) ReadFrom([]byte) (int, net.Addr, error) {
	for {
		b, err := a.Receive()
		if errors.Is(err, net.ErrClosed) {
			return 0, nil, err
		}
		if err != nil {
			continue // an ICMP error that a datagram of ours brought about
		}
		a.fromPeers(b)
		b.Release()
	}
}

// fromPeer carries a peer's datagram.
func (a *allocation) fromPeer(peer netip.AddrPort, data []byte) {
	if channel, ok := a.known(peer); ok {
		a.toClientAs(peer, channel, data)
	}
}

// toClientAs sends a datagram to the client, by a channel or in a Data indication.
func (a *allocation) toClientAs(peer netip.AddrPort, channel uint16, data []byte) {
	if len(data) > maxData || a.down != nil && !a.down.take(len(data), time.Now()) {
		a.dropped.Add(1)
		return
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	message := (*buf)[:0]
	if channel != 0 {
		message = appendChannelData(message, channel, data)
	} else {
		message = appendData(message, dataIndication, randomID(), peer, data)
	}
	if err := a.side.send(a.flow, message); err != nil {
		a.dropped.Add(1)
		return
	}
	a.toClient.add(1, len(data))
}

// randomID is a transaction of an indication, which nobody answers.
func randomID() (id [12]byte) {
	binary.NativeEndian.PutUint64(id[:], rand.Uint64())
	binary.NativeEndian.PutUint32(id[8:], rand.Uint32())
	return id
}
