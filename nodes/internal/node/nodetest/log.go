// Package nodetest gives the tests of node programs what they print.
package nodetest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// waitLimit is how long a test waits for an event before it fails.
const waitLimit = 10 * time.Second

// Log keeps what a node prints, and lets a test wait for it.
type Log struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed and replaced by each Write
}

// Write adds to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.text.Write(p)
}

// String returns everything so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Wait returns when the log holds part, and ends the test if that takes too long.
func (l *Log) Wait(t testing.TB, part string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	for {
		text, changed := l.state()
		if strings.Contains(text, part) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("no %q in the log after %v:\n%s", part, waitLimit, text)
		}
	}
}

func (l *Log) state() (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.text.String(), l.changed
}
