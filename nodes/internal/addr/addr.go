// Package addr reads transport addresses as people type them, and says what is
// wrong with one that cannot be read.
package addr

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Listen reads an address to listen on: "[IP]:PORT", ":PORT" or "IP". Without an
// IP it is every IPv4 address, 0.0.0.0, as in the tutorials' bind((”, port));
// without a port it is the given one. Port 0 lets the kernel choose.
func Listen(s string, port uint16) (netip.AddrPort, error) {
	if s == "" {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), port), nil
	}
	return local(s, port)
}

// Local reads the address that a client binds to: "IP:PORT", "IP" (any port) or
// ":PORT" (any address; the zero Addr, since it may become IPv4 or IPv6).
func Local(s string) (netip.AddrPort, error) {
	a, err := local(s, 0)
	if host, _, splitErr := net.SplitHostPort(s); err == nil && splitErr == nil && host == "" {
		a = netip.AddrPortFrom(netip.Addr{}, a.Port())
	}
	return a, err
}

func local(s string, port uint16) (netip.AddrPort, error) {
	if ip, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(ip, port), nil
	}
	host, portText, err := net.SplitHostPort(s)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address; write 10.1.1.10:4000, :4000, or [2001:db8::1]:4000", s)
	}
	if port, err = parsePort(portText, 0); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q: %w", s, err)
	}
	ip := netip.IPv4Unspecified()
	if host != "" {
		if ip, err = netip.ParseAddr(host); err != nil {
			return netip.AddrPort{}, fmt.Errorf("%q: %q is not an IP address", s, host)
		}
	}
	return netip.AddrPortFrom(ip, port), nil
}

// Remote is where a client connects to.
type Remote struct {
	Host string // an IP address, or a name that is yet to be resolved
	Port uint16
}

// ParseRemote reads a server's address, "HOST:PORT". The example port is what the
// error of a missing port suggests.
func ParseRemote(s string, example uint16) (Remote, error) {
	host, portText, err := net.SplitHostPort(s)
	if err != nil {
		if _, ipErr := netip.ParseAddr(s); ipErr == nil || !strings.Contains(s, ":") && s != "" {
			return Remote{}, fmt.Errorf("%q has no port; write %s", s, net.JoinHostPort(s, strconv.Itoa(int(example))))
		}
		return Remote{}, fmt.Errorf("%q is not an address; write 10.1.1.10:%d, name:%d or [2001:db8::1]:%d", s, example, example, example)
	}
	if host == "" {
		return Remote{}, fmt.Errorf("%q has no host; write 127.0.0.1:%s for this machine", s, portText)
	}
	if !isHost(host) {
		return Remote{}, fmt.Errorf("%q: %q is neither an IP address nor a name", s, host)
	}
	port, err := parsePort(portText, 1)
	if err != nil {
		return Remote{}, fmt.Errorf("%q: %w", s, err)
	}
	return Remote{Host: host, Port: port}, nil
}

// String returns HOST:PORT.
func (r Remote) String() string {
	return net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port)))
}

// MarshalText returns HOST:PORT, so that it is a string in JSON, too.
func (r Remote) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// RemoteAt returns a as a Remote.
func RemoteAt(a netip.AddrPort) Remote { return Remote{Host: a.Addr().String(), Port: a.Port()} }

// isHost tells an IP address or a name from a slip of the keyboard: a name of
// digits and dots only, such as 10.1.1.300, is a malformed address.
func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	letters := false
	for _, r := range host {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r > 0x7f:
			letters = true
		case '0' <= r && r <= '9', r == '-', r == '.', r == '_':
		default:
			return false
		}
	}
	return letters
}

func parsePort(s string, least uint64) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n < least {
		return 0, fmt.Errorf("port %q is not a number from %d to 65535", s, least)
	}
	return uint16(n), nil
}

// Of returns the transport address in a, an address of package net, without the
// IPv6 form of an IPv4 address.
func Of(a net.Addr) netip.AddrPort {
	if a, ok := a.(interface{ AddrPort() netip.AddrPort }); ok {
		return Plain(a.AddrPort())
	}
	return netip.AddrPort{}
}

// Plain returns a with an IPv4-mapped IPv6 address as the IPv4 address it is.
func Plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Network returns "tcp4" or "tcp6" (for transport "tcp") as a's family wants it.
// A socket is of one family: [::] does not also mean 0.0.0.0.
func Network(transport string, a netip.AddrPort) string {
	if a.Addr().Is4() {
		return transport + "4"
	}
	return transport + "6"
}
