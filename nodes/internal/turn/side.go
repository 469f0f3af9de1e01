package turn

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

// clients is what both sides have: the allocations by 5-tuple, and the way of a
// request to the control.
type clients struct {
	relay *Server
	queue chan request

	mu          sync.RWMutex
	allocations map[flow]*allocation
}

func newClients(s *Server) clients {
	return clients{relay: s, queue: make(chan request, maxQueue), allocations: map[flow]*allocation{}}
}

func (c *clients) find(f flow) *allocation {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.allocations[f]
}

func (c *clients) bind(f flow, a *allocation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.allocations[f] = a
}

func (c *clients) unbind(f flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.allocations, f)
}

// enqueue hands a request to the control. Where the queue is full it is dropped: a
// client asks again.
func (c *clients) enqueue(r request) {
	select {
	case c.queue <- r:
	default:
	}
}

// message takes a STUN message whose header is good. Data is carried at once; requests
// wait for the control, unless their source asks too often. b is not kept.
func (c *clients) message(side side, f flow, b []byte) {
	if binary.BigEndian.Uint16(b) == sendIndication {
		if a := c.find(f); a != nil {
			if peer, data, err := parseData(b); err == nil {
				a.toPeer(peer, data)
			} else {
				a.dropped.Add(1)
			}
		}
		return
	}
	if !isRequest(b) || len(b) > maxRequest {
		return
	}
	// Who has an allocation has shown who he is; everyone else is counted by source,
	// with a credential too, or passwords could be tried out.
	if a := c.find(f); a != nil {
		if !a.requests.take(1, time.Now()) {
			return
		}
	} else if !c.relay.sources.take(f.client.Addr(), time.Now()) {
		return
	}
	c.enqueue(request{raw: append([]byte(nil), b...), flow: f, side: side})
}

// channelData carries ChannelData that came by itself.
func (c *clients) channelData(f flow, number uint16, data []byte) {
	if a := c.find(f); a != nil {
		if to, ok := a.channel(number); ok {
			a.toPeer(to.peer, data)
		}
	}
}

// served is the address at which a client came in: what the socket says, or its own
// address, with the port that it listens on.
func served(listen netip.AddrPort, to netip.Addr) netip.AddrPort {
	if to.IsValid() {
		return netip.AddrPortFrom(to, listen.Port())
	}
	return listen
}
