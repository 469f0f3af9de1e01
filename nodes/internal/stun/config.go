package stun

import (
	"errors"
	"fmt"
	"net/netip"
)

// Default ports: STUN's own (RFC 8489 section 8.1), and the next as the other.
const (
	DefaultPort          = 3478
	DefaultAlternatePort = 3479
)

// Config is where a server listens.
type Config struct {
	// Primary is where clients ask first. Without an Alternate it may be a
	// wildcard address.
	Primary netip.AddrPort

	// Alternate is another address with another port. With it the server also
	// listens on the primary address with the alternate port, and the other way
	// round, and answers CHANGE-REQUEST. The zero value means a server with one
	// address.
	Alternate netip.AddrPort

	// Quiet prints no event of a client.
	Quiet bool
}

// dual tells whether the server has two addresses.
func (c Config) dual() bool { return c.Alternate.IsValid() }

// check says what is wrong with two addresses.
func (c Config) check() error {
	if !c.dual() {
		return nil
	}
	a, b := c.Primary, c.Alternate
	switch {
	case a.Addr().IsUnspecified() || b.Addr().IsUnspecified():
		return errors.New("with --alternate both addresses must be given, such as --primary 198.18.7.10:3478 --alternate 198.19.7.10:3479")
	case a.Addr().Is4() != b.Addr().Is4():
		return fmt.Errorf("--primary %v and --alternate %v: one is IPv4, the other IPv6", a.Addr(), b.Addr())
	case a.Addr() == b.Addr():
		return fmt.Errorf("--alternate %v: must be another address than --primary, or filtering by address cannot be told", b)
	case a.Port() == b.Port():
		return fmt.Errorf("--alternate %v: must have another port than --primary, or filtering by port cannot be told", b)
	case a.Port() == 0 || b.Port() == 0:
		return fmt.Errorf("--primary %v and --alternate %v: port 0 is none", a, b)
	}
	return nil
}

// spot is one of the four transport addresses of a server with two addresses: which
// address, and which port, each 0 for the primary or 1 for the alternate.
type spot struct{ addr, port int }

// spots lists where the server listens.
func (c Config) spots() []spot {
	if !c.dual() {
		return []spot{{}}
	}
	return []spot{{0, 0}, {0, 1}, {1, 0}, {1, 1}}
}

// at is the transport address of a spot.
func (c Config) at(s spot) netip.AddrPort {
	both := [2]netip.AddrPort{c.Primary, c.Alternate}
	return netip.AddrPortFrom(both[s.addr].Addr(), both[s.port].Port())
}

// changed is the spot from which an answer to a question at s goes out (RFC 5780
// section 6.1, table 1).
func (s spot) changed(c ChangeRequest) spot {
	if c.Addr {
		s.addr = 1 - s.addr
	}
	if c.Port {
		s.port = 1 - s.port
	}
	return s
}
