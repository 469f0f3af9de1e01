package turn

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// DefaultPort is TURN's, over UDP and TCP (RFC 8656 section 6).
const DefaultPort = 3478

// Config is what a server does and allows.
type Config struct {
	// Listen is where clients come to, over UDP and TCP.
	Listen []netip.AddrPort
	// Public is the address that clients are told for their allocations, where
	// it is not one of this node: where the relay is behind a NAT that forwards.
	// The zero value means the address at which the client came in.
	Public netip.Addr
	// FirstPort and LastPort bound the ports of relayed transport addresses.
	FirstPort, LastPort uint16

	Users *Users
	Peers Peers

	// Lifetime is how long an allocation lasts that asks for nothing, and
	// MaxLifetime the longest that one may ask for. A shorter one is granted as
	// asked, where RFC 8656 section 7.2 would raise it to the default.
	Lifetime, MaxLifetime time.Duration
	// PermissionLifetime and ChannelLifetime are RFC 8656's 5 and 10 minutes
	// (sections 9 and 12), unless a lesson wants them shorter.
	PermissionLifetime, ChannelLifetime time.Duration

	MaxAllocations int // at once, in all
	MaxPerUser     int // at once, of each user
	MaxPermissions int // of each allocation, and as many channels
	MaxConnections int // TCP connections of clients at once; one more waits

	// Rate bounds the bytes a second of each allocation in each direction; what
	// is more is dropped. Zero is no bound.
	Rate int64
	// UnauthenticatedRate bounds the answers a second to each source that has
	// not shown who it is.
	UnauthenticatedRate int64

	Quiet bool // print no event of a client

	// Limits of a client's TCP connection, shorter in tests: how long it may be
	// without an allocation; and how long a message may take from its first byte to
	// its last, and a client may take nothing of what is sent to it.
	anonymousLimit, frameLimit time.Duration
}

// DefaultConfig returns what a server does unless told otherwise.
func DefaultConfig() Config {
	return Config{
		FirstPort: 49152, LastPort: 65535, // RFC 8656 section 7.2
		Lifetime: 10 * time.Minute, MaxLifetime: time.Hour, // RFC 8656 section 7.2
		PermissionLifetime: 5 * time.Minute, ChannelLifetime: 10 * time.Minute,
		MaxAllocations: 4096, MaxPerUser: 512, MaxPermissions: 256, MaxConnections: 4096,
		UnauthenticatedRate: 20,
		anonymousLimit:      30 * time.Second, frameLimit: 10 * time.Second,
	}
}

// check says which part cannot be.
func (c Config) check() error {
	switch {
	case c.Users == nil || c.Users.Empty():
		return errors.New("nobody may use this server; name users by --user, --users or --secret")
	case c.FirstPort == 0 || c.LastPort < c.FirstPort:
		return fmt.Errorf("--ports %d-%d: want FIRST-LAST, from 1 to 65535", c.FirstPort, c.LastPort)
	case c.Lifetime < time.Second || c.MaxLifetime < c.Lifetime || c.MaxLifetime > time.Hour:
		return fmt.Errorf("--lifetime %v, --max-lifetime %v: want at least 1s, the second not below the first, at most 1h", c.Lifetime, c.MaxLifetime)
	case c.PermissionLifetime <= 0 || c.ChannelLifetime <= 0:
		return fmt.Errorf("--permission-lifetime %v, --channel-lifetime %v: want durations above 0", c.PermissionLifetime, c.ChannelLifetime)
	case min(c.MaxAllocations, c.MaxPerUser, c.MaxPermissions, c.MaxConnections) < 1:
		return errors.New("--max-allocations, --max-per-user, --max-permissions and --max-connections want at least 1")
	case c.Rate < 0:
		return fmt.Errorf("--rate %d: want bytes a second, or 0 for no bound", c.Rate)
	case c.UnauthenticatedRate < 1:
		return fmt.Errorf("--unauthenticated-rate %d: want at least 1", c.UnauthenticatedRate)
	case c.Public.IsUnspecified() || c.Public.IsLoopback() || c.Public.IsMulticast():
		return fmt.Errorf("--public %v: no peer could send there", c.Public)
	}
	return c.Peers.checkRules()
}
