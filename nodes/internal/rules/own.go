package rules

import (
	"errors"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Own asks the kernel whether it would keep a packet to a on this host, or send it to
// many: it looks the route up, as connect would, so it knows every address that the
// host has at this moment, the broadcast addresses of its networks, and local routes.
func Own(a netip.Addr) (bool, error) {
	routes, err := netlink.RouteGet(a.AsSlice())
	if err != nil {
		if noWay(err) {
			return false, nil // nor is there one to this host
		}
		return false, err
	}
	for _, r := range routes {
		if r.Type != unix.RTN_UNICAST {
			return true, nil
		}
	}
	return false, nil
}

// noWay reports whether err means that connect would fail as well: no route, one that
// is unreachable, prohibited or a blackhole, or a host without that family.
func noWay(err error) bool {
	for _, no := range []error{unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EACCES, unix.EINVAL, unix.EAFNOSUPPORT, unix.EOPNOTSUPP} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}
