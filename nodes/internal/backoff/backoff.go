// Package backoff waits between tries when the kernel refuses a connection or a
// datagram for want of descriptors or memory.
package backoff

import (
	"context"
	"time"
)

// First is the delay before the second try; the longest is a second. Both are
// net/http's.
const (
	First = 5 * time.Millisecond
	last  = time.Second
)

// Pause waits for delay or the end of ctx, and returns how long to wait after the
// next try.
func Pause(ctx context.Context, delay time.Duration) time.Duration {
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return min(2*delay, last)
}
