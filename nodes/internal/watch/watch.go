// Package watch looks at TCP connections now and then, for what nobody who reads or
// writes them can see: that nothing has moved for an idle limit, and that one was reset
// while who reads it waits for somebody else. It reads the kernel's counters, so it costs
// those who carry nothing, and a receiver that takes only a little of what lies in a send
// buffer is seen to be alive.
package watch

import (
	"context"
	"sync"
	"time"
)

// Interval is how often connections are looked at, at least.
const Interval = time.Second

// Connection is what is watched. Its methods may be called after it has ended.
type Connection interface {
	// Moved returns how many bytes have moved so far, both ways, and whether an
	// error has ended it.
	Moved() (bytes uint64, failed bool)

	// AbortFailed ends it for that error.
	AbortFailed()

	// AbortIdle ends it since nothing has moved for limit.
	AbortIdle(limit time.Duration)
}

// Watch is of any number of connections.
type Watch struct {
	limit time.Duration // of idleness; zero for none

	mu          sync.Mutex
	connections map[Connection]*activity
}

// activity is what a connection had moved when it was last seen to have moved any.
type activity struct {
	bytes uint64
	since time.Time
}

// New returns a watch that ends what has been idle for limit; with 0 nothing is.
func New(limit time.Duration) *Watch {
	return &Watch{limit: limit, connections: map[Connection]*activity{}}
}

// Add has c watched until the returned function is called.
func (w *Watch) Add(c Connection) (remove func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.connections[c] = &activity{since: time.Now()}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.connections, c)
	}
}

// Len returns how many connections are watched.
func (w *Watch) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.connections)
}

// Run watches until ctx is cancelled.
func (w *Watch) Run(ctx context.Context) {
	interval := Interval
	if w.limit > 0 {
		interval = max(time.Millisecond, min(interval, w.limit/4))
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			w.Look(now)
		case <-ctx.Done():
			return
		}
	}
}

// Look ends the connections that an error has ended, and those that by now have been
// idle for too long.
func (w *Watch) Look(now time.Time) {
	// To abort may take a while, which must keep nobody out.
	failed, idle := w.ended(now)
	for _, c := range failed {
		c.AbortFailed()
	}
	for _, c := range idle {
		c.AbortIdle(w.limit)
	}
}

func (w *Watch) ended(now time.Time) (failed, idle []Connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, a := range w.connections {
		bytes, dead := c.Moved()
		switch {
		case dead:
			failed = append(failed, c)
		case bytes != a.bytes:
			*a = activity{bytes: bytes, since: now}
		case w.limit > 0 && now.Sub(a.since) >= w.limit:
			idle = append(idle, c)
		}
	}
	return failed, idle
}
