package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// check reports the first thing in t that cannot work, and what to do about it.
func (t *Topology) check() error {
	if len(t.Nodes) == 0 {
		return errors.New("it has no services; a lab needs at least one node")
	}
	for i, n := range t.Networks {
		if err := t.checkNetwork(n); err != nil {
			return fmt.Errorf("network %s: %w", n.Name, err)
		}
		for _, other := range t.Networks[:i] {
			if err := checkOverlap(n, other); err != nil {
				return err
			}
		}
	}
	taken := make(map[netip.Addr]string)
	for _, n := range t.Nodes {
		if err := t.checkNode(n); err != nil {
			return fmt.Errorf("service %s: %w", n.Name, err)
		}
		for _, a := range n.Attachments {
			for _, addr := range a.Addrs {
				if other, ok := taken[addr]; ok {
					return fmt.Errorf("service %s: address %s already belongs to %s; give it another", n.Name, addr, other)
				}
				taken[addr] = n.Name
			}
		}
	}
	return nil
}

func (t *Topology) checkNetwork(n NetworkSpec) error {
	if n.config.External {
		return errors.New("external networks are shared with others, so nothing in them can be proven; declare the network in the file")
	}
	if n.config.Internal && t.routed(n) {
		return errors.New("internal: true makes the engine drop every routed packet without a word; delete the line (nothing leaves a lab's networks anyway)")
	}
	for _, pool := range n.config.Ipam.Config {
		if pool.Gateway == "" || pool.Subnet == "" {
			continue
		}
		subnet := netip.MustParsePrefix(pool.Subnet) // newNetworkSpec has parsed it before
		gateway, err := netip.ParseAddr(pool.Gateway)
		if err != nil {
			return fmt.Errorf("gateway %q is not an address", pool.Gateway)
		}
		if !subnet.Contains(gateway) {
			return fmt.Errorf("gateway %s is outside its subnet %s; choose an address that nobody has inside it", gateway, subnet)
		}
	}
	for _, router := range n.Routers {
		if !n.contains(router) {
			return fmt.Errorf("default gateway %s is outside its subnets %v", router, n.Subnets)
		}
	}
	return nil
}

func checkOverlap(a, b NetworkSpec) error {
	for _, pa := range a.Subnets {
		for _, pb := range b.Subnets {
			if pa.Overlaps(pb) {
				return fmt.Errorf("networks %s and %s overlap: %s and %s; give each LAN a subnet of its own", b.Name, a.Name, pb, pa)
			}
		}
	}
	return nil
}

func (t *Topology) checkNode(n NodeSpec) error {
	if err := n.unsupported(); err != nil {
		return err
	}
	if n.Image == "" && n.service.Build == nil {
		return errors.New("it has neither an image nor a build")
	}
	if n.Inside != "" && !slices.Contains(t.NodeNames(), n.Inside) {
		return fmt.Errorf("network_mode: no service %q in this file", n.Inside)
	}
	if d := n.ext.NAT; d != nil && !slices.Contains(t.NodeNames(), d.From) {
		return fmt.Errorf("%s: nat: from: no service %q in this file", extensionKey, d.From)
	}
	for _, a := range n.Attachments {
		network, err := t.Network(a.Network)
		if err != nil {
			return err
		}
		for _, addr := range a.Addrs {
			if !network.contains(addr) {
				return fmt.Errorf("address %s is outside network %s %v", addr, a.Network, network.Subnets)
			}
		}
	}
	return nil
}

func (n NetworkSpec) contains(addr netip.Addr) bool {
	return slices.ContainsFunc(n.Subnets, func(p netip.Prefix) bool { return p.Contains(addr) })
}
