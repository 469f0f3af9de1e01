package nat

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Lifetimes are how long a mapping outlives the last packet that refreshed it. The
// kernel's connection tracking gets the same ones.
type Lifetimes struct {
	// UDP is at least 2 minutes, better 5 (RFC 4787 REQ-5).
	UDP time.Duration

	// TCP is for an established connection, at least 2 h 4 min (RFC 5382 REQ-5).
	TCP time.Duration

	// TCPOpening is for a connection that is not yet established, TCPClosing for
	// one that is no longer, or was reset: each at least 4 minutes (RFC 5382
	// REQ-5, RFC 7857 section 2).
	TCPOpening, TCPClosing time.Duration

	// ICMP is for a query, at least 60 seconds (RFC 5508 REQ-2).
	ICMP time.Duration
}

// DefaultLifetimes are what the RFCs recommend.
func DefaultLifetimes() Lifetimes {
	return Lifetimes{
		UDP:        5 * time.Minute,
		TCP:        2*time.Hour + 4*time.Minute,
		TCPOpening: 4 * time.Minute,
		TCPClosing: 4 * time.Minute,
		ICMP:       time.Minute,
	}
}

type lifetimeName struct {
	name  string
	value *time.Duration
}

func (l *Lifetimes) names() []lifetimeName {
	return []lifetimeName{{"udp", &l.UDP}, {"tcp", &l.TCP}, {"tcp-opening", &l.TCPOpening}, {"tcp-closing", &l.TCPClosing}, {"icmp", &l.ICMP}}
}

// transitory is what RFC 5382 calls opening and closing.
const transitory = "tcp-transitory"

// Set changes one lifetime, or several: "udp=30s", "udp=30s,tcp-closing=1m".
// "tcp-transitory" is opening and closing.
func (l *Lifetimes) Set(s string) error {
	changed := *l
	for part := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(part, "=")
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("lifetime %q: write udp=5m, tcp=2h4m, tcp-opening=4m, tcp-closing=4m or icmp=60s", part)
		}
		known := false
		for _, n := range changed.names() {
			if n.name == name || name == transitory && strings.HasPrefix(n.name, "tcp-") {
				*n.value, known = d, true
			}
		}
		if !known {
			return fmt.Errorf("lifetime %q: %q is none of udp, tcp, tcp-opening, tcp-closing, icmp", part, name)
		}
	}
	*l = changed
	return nil
}

// String returns what Set reads.
func (l *Lifetimes) String() string {
	var parts []string
	for _, n := range l.names() {
		parts = append(parts, n.name+"="+n.value.String())
	}
	return strings.Join(parts, ",")
}

// MarshalText returns what String does.
func (l Lifetimes) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what Set does.
func (l *Lifetimes) UnmarshalText(text []byte) error { return l.Set(string(text)) }

// Type names the value for a command line's help.
func (l *Lifetimes) Type() string { return "PROTOCOL=DURATION" }

// check is strict about whole seconds because connection tracking knows no less.
func (l *Lifetimes) check() error {
	var faults []error
	for _, n := range l.names() {
		if *n.value < time.Second || *n.value%time.Second != 0 || *n.value > maxLifetime {
			faults = append(faults, fmt.Errorf("lifetime %s=%v: not whole seconds between 1s and %v", n.name, *n.value, maxLifetime))
		}
	}
	if l.TCP < l.transitory() {
		faults = append(faults, fmt.Errorf("lifetime tcp=%v is shorter than tcp-opening=%v or tcp-closing=%v", l.TCP, l.TCPOpening, l.TCPClosing))
	}
	return errors.Join(faults...)
}

// maxLifetime leaves room in the kernel's count of milliseconds, 32 bits.
const maxLifetime = 24 * 24 * time.Hour

// transitory is the longest that a connection which is not established lives.
func (l *Lifetimes) transitory() time.Duration { return max(l.TCPOpening, l.TCPClosing) }

// of is the lifetime that a new mapping begins with.
func (l *Lifetimes) of(p Protocol) time.Duration {
	switch p {
	case TCP:
		return l.TCPOpening
	case ICMP:
		return l.ICMP
	}
	return l.UDP
}

// grain is how often at least a flow that goes on refreshes its mapping, and half of
// it how often at most. A mapping's timer is set to its lifetime plus one grain, so
// that it runs out between lifetime and lifetime plus grain after the last packet,
// never sooner.
func (l *Lifetimes) grain() time.Duration {
	return min(max(min(l.UDP, l.TCPOpening, l.TCPClosing, l.ICMP)/100, 50*time.Millisecond), time.Second)
}

// timers are what the timers of mappings are set to.
func (l *Lifetimes) timers() Lifetimes {
	t := *l
	for _, n := range t.names() {
		*n.value += l.grain()
	}
	return t
}
