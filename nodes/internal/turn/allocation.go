package turn

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/batch"
)

// flow is a client's 5-tuple, less the protocol, which its side has.
type flow struct{ client, server netip.AddrPort }

// side is the side of the clients: UDP or TCP.
type side interface {
	protocol() string
	// send sends a message or ChannelData whole, or drops it; b is not kept.
	send(f flow, b []byte) error
	// find returns the allocation of a 5-tuple, or nil.
	find(f flow) *allocation
	bind(f flow, a *allocation)
	unbind(f flow)
	// addr is where the server listens.
	addr() netip.AddrPort
}

// allocation is a relayed transport address, and what may pass through it. To
// pion/turn it is the net.PacketConn of the allocation, from which never any datagram
// comes: the data is carried here.
type allocation struct {
	*batch.Conn // bound to the relayed transport address, or what --public stands for
	relay       *Server
	side        side
	flow        flow
	client      batch.Destination // the same for a UDP side
	user        string
	relayed     netip.AddrPort // as clients and peers know it
	began       time.Time

	mu        sync.RWMutex
	permitted map[netip.Addr]bool    // whether the address is the relay's own
	peers     map[uint16]destination // by channel
	channels  map[netip.AddrPort]uint16
	strangers map[netip.AddrPort]bool // without a permission, and told of

	up, down *bucket // nil without a bound
	requests *bucket
	toPeers  traffic
	toClient traffic
	dropped  atomic.Int64
	why      atomic.Pointer[string]
	released atomic.Bool // the client asks for the end
	told     atomic.Bool // of, in the log
	closing  sync.Once
}

// maxRequests bounds the requests a second of one allocation, so that no client takes
// all of the control's time.
const maxRequests = 500

func newAllocation(s *Server, side side, f flow, user string, conn *batch.Conn, relayed netip.AddrPort) *allocation {
	var client batch.Destination
	if u, ok := side.(*udpSide); ok {
		client = u.destination(f)
	}
	return &allocation{
		client: client,
		Conn:   conn, relay: s, side: side, flow: f, user: user, relayed: relayed, began: time.Now(),
		permitted: map[netip.Addr]bool{}, peers: map[uint16]destination{},
		channels: map[netip.AddrPort]uint16{}, strangers: map[netip.AddrPort]bool{},
		up: newBucket(s.config.Rate), down: newBucket(s.config.Rate), requests: newBucket(maxRequests),
	}
}

// stops is why an allocation ends that outlives the server.
const stops = "the relay stops"

// end ends the allocation for a reason, unless it has ended.
func (a *allocation) end(why string) {
	a.why.CompareAndSwap(nil, &why)
	_ = a.Conn.Close() // pion/turn hears of it by ReadFrom
}

// Close is pion/turn's: the allocation has ended, for whatever reason.
func (a *allocation) Close() error {
	err := a.Conn.Close()
	a.closing.Do(func() {
		why := "its lifetime is over"
		select {
		case <-a.relay.done:
			why = stops
		default:
			if a.released.Load() {
				why = "released by the client"
			}
		}
		a.why.CompareAndSwap(nil, &why)
		a.side.unbind(a.flow)
		a.relay.table.remove(a)
		a.relay.journal.ended(a, *a.why.Load())
		a.relay.table.running.Done()
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
