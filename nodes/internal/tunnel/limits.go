package tunnel

import (
	"net/netip"
	"sync"
	"time"
)

// A source may send wrongTokens wrong tokens at once, and then one each tokenRest.
// Meanwhile also right ones from there are refused: else guessing would go on. So who
// shares an address with one who guesses is kept out with them, for a while.
const (
	wrongTokens = 5
	tokenRest   = 10 * time.Second
	maxSources  = 4096 // that have sent wrong ones and are remembered
)

// Connections that have not shown the token yet.
const (
	maxHalfOpen          = 256
	maxHalfOpenOfASource = 8
	handshakeLimit       = 5 * time.Second
	aliveLimit           = 3 * time.Second // for the old client's answer, when its port is wanted
	clientHandshakeLimit = handshakeLimit + aliveLimit + 2*time.Second
	openingLimit         = 10 * time.Second // for a stream's opening, and for connect inside
	maxClients           = 64
	datagramQueue        = 64      // datagrams that wait for a session's stream
	datagramQueueBytes   = 4 << 20 // and the bytes of all that wait for one port's
)

// source is who is counted as one: an IPv4 address, or an IPv6 /64, which is what one
// subscriber has.
func source(a netip.Addr) netip.Addr {
	if a = a.Unmap(); a.Is4() {
		return a
	}
	p, _ := a.Prefix(64)
	return p.Addr()
}

// guesses counts wrong tokens by source, as a token bucket does.
type guesses struct {
	mu      sync.Mutex
	sources map[netip.Addr]bucket
}

type bucket struct {
	wrong int       // the level
	since time.Time // when it was that
}

// level is what is left of a bucket at a time.
func (b bucket) level(now time.Time) bucket {
	drained := int(now.Sub(b.since) / tokenRest)
	if drained >= b.wrong {
		return bucket{since: now}
	}
	return bucket{wrong: b.wrong - drained, since: b.since.Add(time.Duration(drained) * tokenRest)}
}

func newGuesses() *guesses { return &guesses{sources: map[netip.Addr]bucket{}} }

// blocked returns for how long a source is not to be listened to.
func (g *guesses) blocked(a netip.Addr, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.sources[source(a)].level(now)
	if b.wrong < wrongTokens {
		return 0
	}
	return b.since.Add(tokenRest).Sub(now)
}

// wrong counts a wrong token.
func (g *guesses) wrong(a netip.Addr, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := source(a)
	if _, known := g.sources[key]; !known && len(g.sources) >= maxSources {
		g.forget(now)
	}
	b := g.sources[key].level(now)
	b.wrong++
	g.sources[key] = b
}

// forget makes room, and much of it, so that it is seldom needed: of those whose bucket
// is empty, then of any.
func (g *guesses) forget(now time.Time) {
	for a, b := range g.sources {
		if b.level(now).wrong == 0 {
			delete(g.sources, a)
		}
	}
	for a := range g.sources {
		if len(g.sources) <= maxSources*3/4 {
			return
		}
		delete(g.sources, a)
	}
}

// halfOpen counts connections that have shown nothing yet.
type halfOpen struct {
	mu      sync.Mutex
	all     int
	sources map[netip.Addr]int
}

// enter reports whether there may be one more from a; if so, leave ends it.
func (h *halfOpen) enter(a netip.Addr) (leave func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := source(a)
	if h.all >= maxHalfOpen || h.sources[key] >= maxHalfOpenOfASource {
		return nil, false
	}
	h.all++
	h.sources[key]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.all--
		if h.sources[key]--; h.sources[key] == 0 {
			delete(h.sources, key)
		}
	}, true
}
