package probe

import (
	"net/netip"
	"sync"

	"github.com/pion/stun/v3"

	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// packet is a message that came in.
type packet struct {
	*stun.Message

	at   netip.AddrPort // where it came to
	from netip.AddrPort
}

type transactionID = [stun.TransactionIDSize]byte

// inbox hands each message that comes in, on whichever socket, to the one who waits
// for its transaction.
type inbox struct {
	mu      sync.Mutex
	waiting map[transactionID]chan<- packet
}

func newInbox() *inbox { return &inbox{waiting: map[transactionID]chan<- packet{}} }

// expect returns where the messages of some transactions go, until forget is called.
// The messages beyond the first of each are dropped unless somebody is waiting.
func (b *inbox) expect(ids ...transactionID) (messages <-chan packet, forget func()) {
	c := make(chan packet, len(ids))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		b.waiting[id] = c
	}
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, id := range ids {
			delete(b.waiting, id)
		}
	}
}

// deliver reads a message. What is none, or what nobody waits for, is dropped.
func (b *inbox) deliver(raw []byte, at, from netip.AddrPort) {
	m, err := stunserver.Parse(raw)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.waiting[m.TransactionID] <- packet{m, at, from}: // a nil channel takes nothing
	default:
	}
}
