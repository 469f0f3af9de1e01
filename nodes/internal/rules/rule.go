package rules

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Rule allows or denies the transport addresses of a prefix.
type Rule struct {
	Allow  bool
	Prefix netip.Prefix
	Port   uint16 // 0 is every port
}

// Parse reads CIDR[:PORT], as in 198.18.0.0/15, 198.18.22.10:80 or
// [2001:db8::/32]:443. An address alone is a prefix of all its bits.
func Parse(allow bool, s string) (Rule, error) {
	r := Rule{Allow: allow}
	text := s
	if host, digits, err := net.SplitHostPort(s); err == nil {
		port, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || port == 0 {
			return Rule{}, fmt.Errorf("%q: port %q is not a number from 1 to 65535", s, digits)
		}
		r.Port, text = uint16(port), host
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		ip, ipErr := netip.ParseAddr(text)
		if ipErr != nil || ip.Zone() != "" {
			return Rule{}, fmt.Errorf("%q: want CIDR or CIDR:PORT, such as 198.18.0.0/15, 198.18.22.10:80 or [2001:db8::/32]:443", s)
		}
		prefix = netip.PrefixFrom(ip, ip.BitLen())
	}
	if prefix.Addr().Is4In6() {
		return Rule{}, fmt.Errorf("%q: write the IPv4 address itself; its mapped form means the same", s)
	}
	if prefix != prefix.Masked() {
		return Rule{}, fmt.Errorf("%q: the address has bits beyond /%d; write %v", s, prefix.Bits(), prefix.Masked())
	}
	r.Prefix = prefix
	return r, nil
}

// String returns the rule as Parse reads it, with its verb: "deny 10.0.0.0/8", "allow [2001:db8::/32]:443".
func (r Rule) String() string {
	verb := "deny "
	if r.Allow {
		verb = "allow "
	}
	where := r.Prefix.String()
	if r.Prefix.IsSingleIP() {
		where = r.Prefix.Addr().String()
	}
	if r.Port == 0 {
		return verb + where
	}
	return verb + net.JoinHostPort(where, strconv.Itoa(int(r.Port)))
}

// matches reports whether the rule is about a, whose address is plain.
func (r Rule) matches(a netip.AddrPort) bool {
	return r.Prefix.Contains(a.Addr()) && (r.Port == 0 || r.Port == a.Port())
}

// within reports whether the rule is about nothing outside of p.
func (r Rule) within(p netip.Prefix) bool {
	return r.Prefix.Bits() >= p.Bits() && p.Contains(r.Prefix.Addr())
}
