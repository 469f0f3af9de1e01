package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Protocol is a transport protocol that a relay carries.
type Protocol string

// The protocols of a Forward.
const (
	TCP Protocol = "tcp"
	UDP Protocol = "udp"
)

// Forward says where a relay listens and where it carries what arrives there.
type Forward struct {
	Protocol Protocol
	// Listen is the transport address to listen on. The zero Addr stands for
	// every address of either family.
	Listen netip.AddrPort
	// Target is HOST:PORT. A TCP target's name is looked up for every
	// connection, a UDP target's once.
	Target string
}

// ParseForward reads LISTEN=TARGET, as in 10.4.1.20:7000=10.4.2.10:50007.
// LISTEN without an address, as in :7000, is every address.
func ParseForward(protocol Protocol, s string) (Forward, error) {
	listen, target, ok := strings.Cut(s, "=")
	if !ok {
		return Forward{}, fmt.Errorf("%s: want LISTEN=TARGET, such as 10.4.1.20:7000=10.4.2.10:50007", s)
	}
	f := Forward{Protocol: protocol, Target: target}
	var err error
	if f.Listen, err = parseListen(listen); err != nil {
		return Forward{}, fmt.Errorf("%s: listen address %q: %w", s, listen, err)
	}
	if err := checkTarget(target); err != nil {
		return Forward{}, fmt.Errorf("%s: target %q: %w", s, target, err)
	}
	if target == listen {
		return Forward{}, fmt.Errorf("%s: the target is the relay itself", s)
	}
	return f, nil
}

// ParseProtocolForward reads PROTOCOL:LISTEN=TARGET, as in tcp::7000=10.4.2.10:50007.
func ParseProtocolForward(s string) (Forward, error) {
	name, rest, _ := strings.Cut(s, ":")
	switch p := Protocol(name); p {
	case TCP, UDP:
		return ParseForward(p, rest)
	}
	return Forward{}, fmt.Errorf("%s: want tcp:LISTEN=TARGET or udp:LISTEN=TARGET", s)
}

func parseListen(s string) (netip.AddrPort, error) {
	host, port, err := splitHostPort(s)
	if err != nil || host == "" {
		return netip.AddrPortFrom(netip.Addr{}, port), err
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, errors.New("not an IP address of this host")
	}
	return netip.AddrPortFrom(addr.Unmap(), port), nil
}

func checkTarget(s string) error {
	host, _, err := splitHostPort(s)
	if err == nil && host == "" {
		return errors.New("no host")
	}
	return err
}

func splitHostPort(s string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, errors.New("want ADDRESS:PORT, an IPv6 address in brackets")
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("port %q: want a number from 1 to 65535", digits)
	}
	return host, uint16(n), nil
}

// String says what the forward does, for people.
func (f Forward) String() string {
	return fmt.Sprintf("%s %s to %s", f.Protocol, f.listen(), f.Target)
}

// network is the name that package net has for the protocol and the family of the
// listening address: with its plain name, 0.0.0.0 would mean IPv6 as well.
func (f Forward) network() string {
	switch {
	case !f.Listen.Addr().IsValid():
		return string(f.Protocol)
	case f.Listen.Addr().Is4():
		return string(f.Protocol) + "4"
	default:
		return string(f.Protocol) + "6"
	}
}

// listen is the listening address as package net reads it.
func (f Forward) listen() string {
	if !f.Listen.Addr().IsValid() {
		return fmt.Sprintf(":%d", f.Listen.Port())
	}
	return f.Listen.String()
}

// Check says whether forwards can be served by one relay. Port 0 stands for any free
// port, so it may come more than once.
func Check(forwards []Forward) error {
	seen := map[Forward]bool{}
	for _, f := range forwards {
		at := Forward{Protocol: f.Protocol, Listen: f.Listen}
		if seen[at] && f.Listen.Port() != 0 {
			return fmt.Errorf("%s %s is to be listened on twice", f.Protocol, f.listen())
		}
		seen[at] = true
	}
	return nil
}
