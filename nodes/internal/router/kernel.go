package router

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// kernel is the state of this network namespace: read once, then changed.
type kernel struct {
	links     map[int]netlink.Link
	addresses []address
	routes    []netlink.Route // of the main table
}

// address is one of this node's, and the interface that has it.
type address struct {
	prefix netip.Prefix
	link   int
}

func readKernel() (*kernel, error) {
	k := &kernel{links: make(map[int]netlink.Link)}
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	for _, l := range links {
		k.links[l.Attrs().Index] = l
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("list the addresses: %w", err)
	}
	for _, a := range addrs {
		if p, ok := prefixOf(a.IPNet); ok && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			k.addresses = append(k.addresses, address{p, a.LinkIndex})
		}
	}
	slices.SortFunc(k.addresses, func(a, b address) int { return a.prefix.Addr().Compare(b.prefix.Addr()) })
	if k.routes, err = netlink.RouteList(nil, netlink.FAMILY_ALL); err != nil {
		return nil, fmt.Errorf("list the routes: %w", err)
	}
	return k, nil
}

func prefixOf(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), bits), ok
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// linkFor finds the interface that is in the subnet of p. Interfaces are never
// taken by name: their order changes from one start to the next.
func (k *kernel) linkFor(p netip.Prefix) (link int, err error) {
	for _, a := range k.addresses {
		if a.prefix.Masked() == p.Masked() {
			return a.link, nil
		}
	}
	return 0, fmt.Errorf("no interface is in %v (this node has %s): give the node a place in that network", p.Masked(), k.listAddresses())
}

func (k *kernel) listAddresses() string {
	if len(k.addresses) == 0 {
		return "no address"
	}
	words := make([]string, len(k.addresses))
	for i, a := range k.addresses {
		words[i] = a.prefix.String()
	}
	return strings.Join(words, ", ")
}

func (k *kernel) has(p netip.Prefix) bool {
	return slices.ContainsFunc(k.addresses, func(a address) bool { return a.prefix == p })
}

// target is where a route of the main table leads to, and its kind; ok is false for
// what a router does not decide, such as multicast.
func target(r netlink.Route) (to netip.Prefix, kind Kind, ok bool) {
	to = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if r.Family == netlink.FAMILY_V6 {
		to = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	if r.Dst != nil {
		p, valid := prefixOf(r.Dst)
		if !valid || p.Addr().IsLinkLocalUnicast() || p.Addr().IsMulticast() {
			return to, "", false
		}
		to = p
	}
	switch r.Type {
	case unix.RTN_UNICAST:
		return to, Unicast, true
	case unix.RTN_BLACKHOLE:
		return to, Blackhole, true
	case unix.RTN_UNREACHABLE:
		return to, Unreachable, true
	case unix.RTN_PROHIBIT:
		return to, Prohibit, true
	}
	return to, "", false
}

// gateway is the next router of a kernel route; the zero Addr if it has none.
func gateway(r netlink.Route) netip.Addr {
	addr, _ := netip.AddrFromSlice(r.Gw)
	return addr.Unmap()
}
