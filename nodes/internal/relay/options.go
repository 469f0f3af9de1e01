package relay

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Options are the bounds of a relay.
type Options struct {
	// Idle ends a TCP connection over which nothing has moved, in either
	// direction, for so long. Zero never does.
	Idle time.Duration
	// Lifetime ends a UDP session over which nothing has moved for so long.
	Lifetime time.Duration
	// MaxConnections bounds the TCP connections at once. One more waits in the
	// kernel's accept queue until another ends.
	MaxConnections int
	// MaxSessions bounds the UDP sessions at once of each listener. What would
	// begin one more is dropped.
	MaxSessions int
}

// DefaultOptions returns what a relay does unless told otherwise: the idle limit is
// a usual one of relays; the lifetime is the shortest that RFC 4787 REQ-5 allows a
// NAT's mapping, and refreshed, as REQ-6 allows, in both directions. The rest is
// what the process's limit on descriptors leaves room for (package os raises the
// soft limit to the hard one when a program starts): a connection has two, a session one.
func DefaultOptions() Options {
	o := Options{
		Idle:           5 * time.Minute,
		Lifetime:       2 * time.Minute,
		MaxConnections: 1 << 16,
		MaxSessions:    1 << 14,
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil {
		o.MaxConnections = max(1, min(o.MaxConnections, int(limit.Cur/3)))
		o.MaxSessions = max(1, min(o.MaxSessions, int(limit.Cur/4)))
	}
	return o
}

// check says which option cannot be.
func (o Options) check() error {
	switch {
	case o.Idle < 0:
		return fmt.Errorf("--idle %v: want a duration, or 0 for no limit", o.Idle)
	case o.Lifetime <= 0:
		return fmt.Errorf("--lifetime %v: want a duration above 0", o.Lifetime)
	case o.MaxConnections < 1:
		return fmt.Errorf("--max-connections %d: want at least 1", o.MaxConnections)
	case o.MaxSessions < 1:
		return fmt.Errorf("--max-sessions %d: want at least 1", o.MaxSessions)
	}
	return nil
}
