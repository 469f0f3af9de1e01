package shell

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/vishvananda/netlink"
)

// ip shows addresses and routes; it changes nothing.
func ip(c *call) error {
	what := "addr"
	if len(c.args) > 0 {
		what = c.args[0]
	}
	switch {
	case strings.HasPrefix("address", what):
		return ipAddr(c)
	case strings.HasPrefix("route", what):
		return ipRoute(c)
	case strings.HasPrefix("neighbour", what), strings.HasPrefix("neighbor", what):
		return ipNeighbour(c)
	}
	return errors.New("only ip addr, ip route and ip neigh are here")
}

func ipAddr(c *call) error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range interfaces {
		flags := strings.ToUpper(strings.ReplaceAll(i.Flags.String(), "|", ","))
		if err := c.println(fmt.Sprintf("%d: %s: <%s> mtu %d", i.Index, i.Name, flags, i.MTU)); err != nil {
			return err
		}
		if len(i.HardwareAddr) > 0 {
			if err := c.println("    link/ether " + i.HardwareAddr.String()); err != nil {
				return err
			}
		}
		addrs, err := i.Addrs()
		if err != nil {
			return err
		}
		for _, a := range addrs {
			family := "inet"
			if strings.Contains(a.String(), ":") {
				family = "inet6"
			}
			if err := c.println("    " + family + " " + a.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func ipRoute(c *call) error {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, r := range routes {
		line := "default"
		if r.Dst != nil && r.Dst.String() != "0.0.0.0/0" {
			line = r.Dst.String()
		}
		if r.Gw != nil {
			line += " via " + r.Gw.String()
		}
		if l, err := net.InterfaceByIndex(r.LinkIndex); err == nil {
			line += " dev " + l.Name
		}
		if r.Src != nil {
			line += " src " + r.Src.String()
		}
		if err := c.println(line); err != nil {
			return err
		}
	}
	return nil
}

func ipNeighbour(c *call) error {
	neighbours, err := netlink.NeighList(0, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, n := range neighbours {
		if n.HardwareAddr == nil {
			continue
		}
		line := n.IP.String()
		if l, err := net.InterfaceByIndex(n.LinkIndex); err == nil {
			line += " dev " + l.Name
		}
		if err := c.println(line + " lladdr " + n.HardwareAddr.String()); err != nil {
			return err
		}
	}
	return nil
}
