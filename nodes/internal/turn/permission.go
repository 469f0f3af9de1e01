package turn

import (
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/batch"
)

// destination is the peer of a channel.
type destination struct {
	peer netip.AddrPort
	name *batch.Name
}

// may reports whether so many bytes may go to a peer, and whether its address is the
// relay's own. Nothing leaves for a peer that this has not allowed.
func (a *allocation) may(peer netip.AddrPort, size int) (own, ok bool) {
	a.mu.RLock()
	own, ok = a.permitted[peer.Addr()]
	a.mu.RUnlock()
	ok = ok && peer.Port() != 0 && (a.up == nil || a.up.take(size, time.Now()))
	return own, ok
}

// channel returns what a channel is bound to. Where it is bound to nothing, what comes
// by it is dropped (RFC 8656 section 12.6).
func (a *allocation) channel(number uint16) (to destination, ok bool) {
	a.mu.RLock()
	to, ok = a.peers[number]
	a.mu.RUnlock()
	if !ok {
		a.dropped.Add(1)
	}
	return to, ok
}

// known reports whether a peer may send, and by which channel it comes, 0 for none.
func (a *allocation) known(peer netip.AddrPort) (channel uint16, ok bool) {
	a.mu.RLock()
	_, ok = a.permitted[peer.Addr()]
	channel = a.channels[peer]
	a.mu.RUnlock()
	if !ok {
		a.stranger(peer)
	}
	return channel, ok
}

// maxStrangers bounds of how many peers without a permission an allocation tells.
const maxStrangers = 16

// stranger drops what comes from a peer without a permission (RFC 8656 section 11.3),
// and tells of it once.
func (a *allocation) stranger(peer netip.AddrPort) {
	a.dropped.Add(1)
	a.mu.Lock()
	known := a.strangers[peer] || len(a.strangers) >= maxStrangers
	if !known {
		a.strangers[peer] = true
	}
	a.mu.Unlock()
	if !known {
		a.relay.journal.stranger(a, peer)
	}
}

// permit and forbid follow the permissions that pion/turn keeps.
func (a *allocation) permit(peer netip.Addr, own bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.permitted[peer] = own
	for stranger := range a.strangers {
		if stranger.Addr() == peer {
			delete(a.strangers, stranger)
		}
	}
}

func (a *allocation) forbid(peer netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.permitted, peer)
}

// room reports whether so many more permissions fit; known peers need none.
func (a *allocation) room(peers []netip.AddrPort) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	more := map[netip.Addr]bool{}
	for _, p := range peers {
		if _, known := a.permitted[p.Addr()]; !known {
			more[p.Addr()] = true
		}
	}
	return len(a.permitted)+len(more) <= a.relay.config.MaxPermissions
}

// roomForChannel reports whether one more channel fits, if number is not bound yet.
func (a *allocation) roomForChannel(number uint16) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, known := a.peers[number]
	return known || len(a.peers) < a.relay.config.MaxPermissions
}

func (a *allocation) bindChannel(number uint16, peer netip.AddrPort) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.peers[number], a.channels[peer] = destination{peer, batch.NameOf(peer)}, number
}

func (a *allocation) unbindChannel(number uint16) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.channels, a.peers[number].peer)
	delete(a.peers, number)
}
