package capture

import (
	"fmt"
	"net"
	"net/netip"
)

// interfaceOf returns the number of the interface that has the address s, or an
// address of the subnet s. Names of interfaces would be of no use: which of a
// container's networks is eth0 is not certain.
func interfaceOf(s string) (int, error) {
	wanted, err := netip.ParsePrefix(s)
	if err != nil {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return 0, fmt.Errorf("%q is neither an address nor a subnet; write 10.1.1.1 or 10.1.1.0/24", s)
		}
		wanted = netip.PrefixFrom(a, a.BitLen())
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return 0, fmt.Errorf("%s: list the interfaces: %w", s, err)
	}
	for _, i := range interfaces {
		addrs, err := i.Addrs()
		if err != nil {
			return 0, fmt.Errorf("%s: list the addresses of %s: %w", s, i.Name, err)
		}
		for _, a := range addrs {
			if has, err := netip.ParsePrefix(a.String()); err == nil && wanted.Contains(has.Addr()) {
				return i.Index, nil
			}
		}
	}
	return 0, fmt.Errorf("%s: no interface of this host has such an address", s)
}
