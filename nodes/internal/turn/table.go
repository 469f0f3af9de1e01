package turn

import (
	"net/netip"
	"sync"
)

// table knows every allocation of the server.
type table struct {
	mu      sync.RWMutex
	relayed map[netip.AddrPort]*allocation
	users   map[string]int
	running sync.WaitGroup
}

func newTable() *table {
	return &table{relayed: map[netip.AddrPort]*allocation{}, users: map[string]int{}}
}

// at returns the allocation of a relayed transport address, or nil.
func (t *table) at(relayed netip.AddrPort) *allocation {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.relayed[relayed]
}

// mayAdd reports whether user may have one more allocation.
func (t *table) mayAdd(user string, c *Config) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.relayed) < c.MaxAllocations && t.users[user] < c.MaxPerUser
}

func (t *table) add(a *allocation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.relayed[a.relayed] = a
	t.users[a.user]++
	t.running.Add(1)
}

func (t *table) remove(a *allocation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.relayed, a.relayed)
	if t.users[a.user]--; t.users[a.user] == 0 {
		delete(t.users, a.user)
	}
}

// endAll ends every allocation and returns when they have ended.
func (t *table) endAll(why string) {
	t.mu.RLock()
	all := make([]*allocation, 0, len(t.relayed))
	for _, a := range t.relayed {
		all = append(all, a)
	}
	t.mu.RUnlock()
	for _, a := range all {
		a.end(why)
	}
	t.running.Wait()
}
