// Package router is the program router: addresses, routes and forwarding in the
// kernel, over rtnetlink.
package router

import (
	"fmt"
	"net/netip"
	"strings"
)

// Config is what a router is told.
type Config struct {
	// Addresses are taken on the interface that is in their subnet already.
	Addresses []netip.Prefix
	Routes    []Route
}

// Kind is what a route does with a packet.
type Kind string

// The kinds of routes, with what a sender sees.
const (
	Unicast     Kind = "via"         // passes it on
	Blackhole   Kind = "blackhole"   // drops it without a word
	Unreachable Kind = "unreachable" // ICMP host unreachable: EHOSTUNREACH
	Prohibit    Kind = "prohibit"    // ICMP administratively prohibited: EHOSTUNREACH
)

// Route is an entry of the routing table.
type Route struct {
	To   netip.Prefix
	Kind Kind
	Via  netip.Addr // the next router, of a Unicast route
}

// String is the route as events show it.
func (r Route) String() string {
	if r.Kind == Unicast {
		return fmt.Sprintf("%v via %v", r.To, r.Via)
	}
	return fmt.Sprintf("%v %s", r.To, r.Kind)
}

// flags are a router's flags as they were typed.
type flags struct {
	addresses, routes, blackholes, unreachables, prohibits []string
	translation
}

// config parses the flags; its error is for the user.
func (f flags) config() (Config, error) {
	var c Config
	for _, s := range f.addresses {
		p, err := netip.ParsePrefix(s)
		if err != nil || !hostAddress(p) {
			return c, fmt.Errorf("--address %q: write an address of a host with its subnet, such as 10.3.1.1/24", s)
		}
		c.Addresses = append(c.Addresses, p)
	}
	for _, s := range f.routes {
		r, err := parseRoute(s)
		if err != nil {
			return c, err
		}
		c.Routes = append(c.Routes, r)
	}
	for kind, all := range map[Kind][]string{Blackhole: f.blackholes, Unreachable: f.unreachables, Prohibit: f.prohibits} {
		for _, s := range all {
			to, err := parsePrefix(s)
			if err != nil {
				return c, fmt.Errorf("--%s %w", kind, err)
			}
			c.Routes = append(c.Routes, Route{To: to, Kind: kind})
		}
	}
	return c, c.checkTwice()
}

// hostAddress reports whether p names a host and its subnet, not the subnet.
func hostAddress(p netip.Prefix) bool {
	return p.Addr() != p.Masked().Addr() || p.IsSingleIP()
}

func parseRoute(s string) (Route, error) {
	to, via, found := strings.Cut(s, "=")
	if !found {
		return Route{}, fmt.Errorf("--route %q: write SUBNET=ROUTER, such as 10.3.9.0/24=10.3.2.7", s)
	}
	p, err := parsePrefix(to)
	if err != nil {
		return Route{}, fmt.Errorf("--route %w", err)
	}
	gateway, err := netip.ParseAddr(via)
	if err != nil {
		return Route{}, fmt.Errorf("--route %q: %q is no address of a router", s, via)
	}
	if gateway.Is4() != p.Addr().Is4() {
		return Route{}, fmt.Errorf("--route %q: one is IPv4 and the other IPv6", s)
	}
	return Route{To: p, Kind: Unicast, Via: gateway}, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("%q: write a subnet, such as 10.3.9.0/24", s)
	}
	if p != p.Masked() {
		return p, fmt.Errorf("%q: is a host in a subnet; write %v", s, p.Masked())
	}
	return p, nil
}

// checkTwice finds a subnet that has two routes.
func (c Config) checkTwice() error {
	seen := make(map[netip.Prefix]Route)
	for _, r := range c.Routes {
		if other, ok := seen[r.To]; ok {
			return fmt.Errorf("%v has two routes: %v and %v; leave one out", r.To, other, r)
		}
		seen[r.To] = r
	}
	return nil
}

// hasDefault reports whether the user wants a default route of this family.
func (c Config) hasDefault(v4 bool) bool {
	for _, r := range c.Routes {
		if r.To.Bits() == 0 && r.To.Addr().Is4() == v4 {
			return true
		}
	}
	return false
}
