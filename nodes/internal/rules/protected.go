package rules

import (
	"net/netip"
)

// protected is what no client is carried to unless a rule names it: the relay's own
// host, those that answer for a whole network, and the link, where clouds keep
// their metadata service. A proxy to its own localhost is the classic hole
// (CVE-2020-26262, CVE-2026-27624: by way of an IPv4-mapped address, in a TURN server).
var protected = []struct {
	prefix netip.Prefix
	name   string
}{
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"}, // Linux connects 0.0.0.0 to loopback
	{netip.MustParsePrefix("::/128"), "unspecified"},
	{netip.MustParsePrefix("::/96"), "IPv4-compatible"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast"},
}

// Prefixes whose addresses have an IPv4 address inside, which a translator on the way
// would take out: NAT64 (RFC 6052) and 6to4 (RFC 3056).
var (
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
	sixToIV = netip.MustParsePrefix("2002::/16")
)

// plain returns the address that a means: an IPv4 address in its mapped form, or one
// embedded for a translator, is that IPv4 address.
func plain(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	b := a.As16()
	switch {
	case a.Is4():
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToIV.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

// protection returns the protected prefix that a, a plain address, is in.
func protection(a netip.Addr) (prefix netip.Prefix, name string, ok bool) {
	for _, p := range protected {
		if p.prefix.Contains(a) {
			return p.prefix, p.name, true
		}
	}
	return netip.Prefix{}, "", false
}
