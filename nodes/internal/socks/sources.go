package socks

import (
	"net/netip"
	"sync"
)

// sources counts the connections of each source, so that one cannot take them all.
type sources struct {
	limit int

	mu  sync.Mutex
	has map[netip.Prefix]*source
}

type source struct {
	connections int
	told        bool // that it has too many
}

func newSources(limit int) *sources {
	return &sources{limit: limit, has: map[netip.Prefix]*source{}}
}

// sourceOf is what counts as one source: an IPv4 address, or the /64 of an IPv6
// address, since a host may have every address of that.
func sourceOf(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	if a.Is4() {
		return netip.PrefixFrom(a, 32)
	}
	return netip.PrefixFrom(a.WithZone(""), 64).Masked()
}

// enter reports whether a may have one more connection, and, if not, whether that is
// to be told: once until one of its connections has ended.
func (s *sources) enter(a netip.Addr) (ok, tell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sourceOf(a)
	if s.has[key] == nil {
		s.has[key] = &source{}
	}
	of := s.has[key]
	if of.connections >= s.limit {
		tell, of.told = !of.told, true
		return false, tell
	}
	of.connections++
	return true, false
}

// leave takes back an enter that was ok.
func (s *sources) leave(a netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sourceOf(a)
	of := s.has[key]
	of.told = false
	if of.connections--; of.connections == 0 {
		delete(s.has, key)
	}
}
