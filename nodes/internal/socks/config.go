package socks

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/rules"
)

// DefaultPort is SOCKS' own (RFC 1928 section 3).
const DefaultPort = 1080

// Config is what a proxy does for whom.
type Config struct {
	Listen []netip.AddrPort
	// Users may use it. Without any, everybody may.
	Users Users
	// Rules say which targets it may be sent to.
	Rules rules.List

	// Handshake is how long a client may take to say what it wants.
	Handshake time.Duration
	// Connect is how long a name may take to be looked up and the target to accept.
	Connect time.Duration
	// Idle ends a connection over which nothing has moved, in either direction,
	// for so long. Zero never does.
	Idle time.Duration
	// Lifetime ends a UDP association over which nothing has moved for so long.
	Lifetime time.Duration

	// MaxConnections bounds the clients at once, those that have yet to ask
	// included. One more waits in the kernel's accept queue.
	MaxConnections int
	// MaxPerSource bounds those of one source, an IPv4 address or an IPv6 /64. One
	// more is reset.
	MaxPerSource int
	// MaxAssociations bounds the UDP associations at once. One more is refused.
	MaxAssociations int
}

// DefaultConfig returns what a proxy does unless told otherwise: it listens on port
// 1080 of every IPv4 address, and its limits are those of `relay tcp` where that has
// them. The numbers are what the process's limit on descriptors leaves room for: a
// connection has two, an association up to four.
func DefaultConfig() Config {
	c := Config{
		Listen:          []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), DefaultPort)},
		Handshake:       10 * time.Second,
		Connect:         10 * time.Second,
		Idle:            5 * time.Minute,
		Lifetime:        2 * time.Minute,
		MaxConnections:  1 << 16,
		MaxAssociations: 1 << 10,
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil {
		c.MaxConnections = max(1, min(c.MaxConnections, int(limit.Cur/3)))
		c.MaxAssociations = max(1, min(c.MaxAssociations, int(limit.Cur/16)))
	}
	c.MaxPerSource = max(1, c.MaxConnections/4)
	return c
}

// check says which option cannot be.
func (c Config) check() error {
	for _, d := range []struct {
		flag string
		d    time.Duration
	}{{"handshake", c.Handshake}, {"connect", c.Connect}, {"lifetime", c.Lifetime}} {
		if d.d <= 0 {
			return fmt.Errorf("--%s %v: want a duration above 0", d.flag, d.d)
		}
	}
	if c.Idle < 0 {
		return fmt.Errorf("--idle %v: want a duration, or 0 for no limit", c.Idle)
	}
	for _, n := range []struct {
		flag string
		n    int
	}{{"max-connections", c.MaxConnections}, {"max-per-source", c.MaxPerSource}, {"max-associations", c.MaxAssociations}} {
		if n.n < 1 {
			return fmt.Errorf("--%s %d: want at least 1", n.flag, n.n)
		}
	}
	seen := map[netip.AddrPort]bool{}
	for _, a := range c.Listen {
		if seen[a] && a.Port() != 0 {
			return fmt.Errorf("%v is to be listened on twice", a)
		}
		seen[a] = true
	}
	return nil
}
