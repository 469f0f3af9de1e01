package punch

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// Want is which path is wanted. It is a pflag.Value.
type Want string

const (
	Any     Want = "any"    // direct, and relayed if there is none and a relay is given
	Direct  Want = "direct" // direct or none
	Relayed Want = "relay"  // by the relay, without a try
)

func (w *Want) String() string { return string(*w) }
func (w *Want) Type() string   { return "any|direct|relay" }

// Set sets the path by name.
func (w *Want) Set(s string) error {
	switch v := Want(s); v {
	case Any, Direct, Relayed:
		*w = v
		return nil
	}
	return fmt.Errorf("no such path; choose %s, %s or %s", Any, Direct, Relayed)
}

// Config is what a client is told.
type Config struct {
	Rendezvous addr.Remote
	Relay      addr.Remote // the zero Remote for none
	Token      string
	TCP        bool
	Local      netip.AddrPort // to bind to; a zero part leaves it to the kernel
	Timeout    time.Duration  // for the partner to come, and for each answer of a server
	Want       Want
	Stay       bool // for the partner, wait for ever

	Tries    int           // before a side says that it has no direct path
	Interval time.Duration // between them
	Idle     time.Duration // UDP: the peer is gone when nothing comes for so long

	// Against mappings that depend on whom one sends to, over UDP.
	Predict  int           // ports to try of those that a mapping may get next
	Birthday int           // sockets to open, or ports to try, that they may meet by chance
	Observe  []addr.Remote // other addresses of a rendezvous, to see how mappings differ
}

// Defaults are what a client does unless it is told otherwise.
func Defaults() Config {
	return Config{Timeout: 10 * time.Second, Want: Any, Tries: 10, Interval: 50 * time.Millisecond, Idle: 15 * time.Second}
}

// use is what the token is used for at the rendezvous, and at the relay.
func (c *Config) use(relay bool) rendezvous.Use {
	switch {
	case relay && c.TCP:
		return rendezvous.RelayTCP
	case relay:
		return rendezvous.RelayUDP
	case c.TCP:
		return rendezvous.PunchTCP
	}
	return rendezvous.PunchUDP
}

// fallsBack reports whether the client goes to the relay when there is no direct path.
func (c *Config) fallsBack() bool { return c.Relay != (addr.Remote{}) && c.Want != Direct }

// impatient is c for a partner that has said that it comes. If it does not, the next
// comes to the rendezvous.
func (c *Config) impatient() *Config {
	i := *c
	i.Stay = false
	return &i
}

// Path is the way that came about.
type Path struct {
	Relay     netip.AddrPort // by which it goes; invalid if it is direct
	Transport string         // "udp" or "tcp"
	Local     netip.AddrPort // this side's own, as getsockname tells it
	Peer      netip.AddrPort // the peer's, as this side sends to it or as the rendezvous observed it
	Tries     int
	Took      time.Duration // since both knew each other

	partner note
}
