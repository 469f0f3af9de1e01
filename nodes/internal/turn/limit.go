package turn

import (
	"net/netip"
	"sync"
	"time"
)

// bucket lets so much pass in a second, and a second's worth at once.
type bucket struct {
	rate float64 // a second

	mu    sync.Mutex
	level float64
	at    time.Time
}

// newBucket returns a full bucket, or nil for no rate.
func newBucket(rate int64) *bucket {
	if rate == 0 {
		return nil
	}
	return &bucket{rate: float64(rate), level: float64(rate), at: time.Now()}
}

// take reports whether n may pass. What has come in a burst may overdraw the bucket
// once, so that a datagram larger than the rate is not held back for ever.
func (b *bucket) take(n int, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.level = min(b.rate, b.level+b.rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.level <= 0 {
		return false
	}
	b.level -= float64(n)
	return true
}

// maxSources bounds how many sources a sources table knows.
const maxSources = 1 << 16

// sources limits how often each source is answered that has not shown who it is. An
// answer is longer than the shortest question, and a source can be forged: whose
// address that is must not be flooded.
type sources struct {
	rate int64 // questions a second of each source

	mu    sync.Mutex
	known map[netip.Prefix]*bucket
}

func newSources(rate int64) *sources {
	return &sources{rate: rate, known: map[netip.Prefix]*bucket{}}
}

// take reports whether a question of that source may be answered.
func (s *sources) take(from netip.Addr, now time.Time) bool {
	bits := 32
	if from.Is6() {
		bits = 64 // whoever has one address there has them all
	}
	source, err := from.Prefix(bits)
	if err != nil {
		return false
	}
	s.mu.Lock()
	b := s.known[source]
	if b == nil {
		if len(s.known) >= maxSources {
			s.forget(now)
		}
		if len(s.known) >= maxSources {
			s.mu.Unlock()
			return false
		}
		b = newBucket(s.rate)
		s.known[source] = b
	}
	s.mu.Unlock()
	return b.take(1, now)
}

// forget drops who has been quiet for so long that nothing is held against him.
func (s *sources) forget(now time.Time) {
	for source, b := range s.known {
		b.mu.Lock()
		quiet := now.Sub(b.at) > time.Second+time.Duration(float64(time.Second)*max(0, -b.level)/b.rate)
		b.mu.Unlock()
		if quiet {
			delete(s.known, source)
		}
	}
}
