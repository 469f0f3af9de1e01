package rendezvous

import (
	"net/netip"
	"sync"
)

// halfOpen counts the connections of each source that have not registered yet, so that
// one source cannot take the room of all.
type halfOpen struct {
	most int

	mu sync.Mutex
	by map[netip.Addr]int
}

func newHalfOpen(most int) *halfOpen { return &halfOpen{most: most, by: map[netip.Addr]int{}} }

// enter counts a connection, if there is room for it. leave, which may be called more
// than once, ends that.
func (h *halfOpen) enter(from netip.AddrPort) (leave func(), ok bool) {
	of := source(from)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by[of] >= h.most {
		return nil, false
	}
	h.by[of]++
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.by[of]--; h.by[of] == 0 {
			delete(h.by, of)
		}
	}), true
}
