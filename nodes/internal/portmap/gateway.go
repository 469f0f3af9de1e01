package portmap

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// DefaultGateway is where this host's default route leads, of the best metric if it
// has several: the router to ask.
func DefaultGateway() (netip.Addr, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("read the routes: %w", err)
	}
	var best *netlink.Route
	for i, r := range routes {
		if !isDefault(r) {
			continue
		}
		if best == nil || r.Priority < best.Priority {
			best = &routes[i]
		}
	}
	if best == nil {
		return netip.Addr{}, errors.New("this host has no default route, and so no router to ask; name one by --gateway")
	}
	gateway, _ := netip.AddrFromSlice(best.Gw) // it has one
	return gateway.Unmap(), nil
}

// isDefault tells whether a route is for everywhere, by way of a router.
func isDefault(r netlink.Route) bool {
	if len(r.Gw) == 0 {
		return false
	}
	if r.Dst == nil {
		return true
	}
	ones, _ := r.Dst.Mask.Size()
	return ones == 0
}
