package portmap

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// How long a lease may be. RFC 6887, section 15, recommends two minutes at least and
// a day at most; a lesson wants to see one end.
const (
	shortest = time.Second
	longest  = 24 * time.Hour
)

// How many leases there may be: each is an element of the kernel's tables.
const (
	mostLeases  = 1024
	mostPerHost = 64
)

// owner says which program of the host has asked for a lease. Only PCP has nonces.
type owner struct {
	nonce nonce
	by    string // the protocol: pcp, nat-pmp or upnp
}

// lease is a forward for a time.
type lease struct {
	nat.Forward
	owner
	about string // what it is for, as the host says; empty if it does not
	ends  time.Time
}

// wish is what a host asks for.
type wish struct {
	owner
	protocol nat.Protocol
	inside   netip.AddrPort
	outside  uint16 // the port that it would like; 0 leaves it to the router
	exact    bool   // no other port will do
	lifetime time.Duration
	about    string
}

// isOf tells whether a program of the lease's host may change it: any program may,
// unless there is a nonce (RFC 6887, section 11.3).
func (l lease) isOf(o owner) bool { return l.nonce == nonce{} || l.nonce == o.nonce }

// left is the lease's rest, in whole seconds: at least one while it lasts.
func (l lease) left(now time.Time) uint32 {
	d := l.ends.Sub(now)
	if d <= 0 {
		return 0
	}
	return uint32((d + time.Second - 1) / time.Second)
}

func (l lease) String() string {
	return fmt.Sprintf("%s %v -> %v", l.Protocol, l.Inside, l.Outside)
}

func (l lease) attrs() []slog.Attr {
	return []slog.Attr{slog.Any("protocol", l.Protocol), slog.Any("inside", l.Inside), slog.Any("outside", l.Outside), slog.String("by", l.by)}
}
