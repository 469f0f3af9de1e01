package lab

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// createNetwork makes one network with the driver options that its Compose
// file names; testcontainers' own networks drop those.
func (e engine) createNetwork(ctx context.Context, n NetworkSpec, labels map[string]string) error {
	options := client.NetworkCreateOptions{
		Driver:     n.config.Driver,
		Options:    n.config.DriverOpts,
		Internal:   n.config.Internal,
		Attachable: n.config.Attachable,
		EnableIPv4: n.config.EnableIPv4,
		EnableIPv6: n.config.EnableIPv6,
		IPAM:       n.ipam(),
		Labels:     with(with(labels, labelNet, n.Name, composeNetwork, n.Name), flatten(n.config.Labels)...),
	}
	if _, err := e.NetworkCreate(ctx, n.config.Name, options); err != nil {
		return fmt.Errorf("create network %s %v: %w", n.Name, n.Subnets, e.explainOverlap(ctx, n, err))
	}
	return nil
}

func (n NetworkSpec) ipam() *network.IPAM {
	// An empty driver makes engine 20.10 look for a plugin for 15 s (moby#45831).
	ipam := &network.IPAM{Driver: "default", Options: n.config.Ipam.Options}
	if n.config.Ipam.Driver != "" {
		ipam.Driver = n.config.Ipam.Driver
	}
	for _, pool := range n.config.Ipam.Config {
		// Load has parsed these; what is absent stays the zero value.
		c := network.IPAMConfig{}
		c.Subnet, _ = netip.ParsePrefix(pool.Subnet)
		c.IPRange, _ = netip.ParsePrefix(pool.IPRange)
		c.Gateway, _ = netip.ParseAddr(pool.Gateway)
		for name, s := range pool.AuxiliaryAddresses {
			addr, err := netip.ParseAddr(s)
			if err != nil {
				continue
			}
			if c.AuxAddress == nil {
				c.AuxAddress = make(map[string]netip.Addr)
			}
			c.AuxAddress[name] = addr
		}
		ipam.Config = append(ipam.Config, c)
	}
	return ipam
}

// explainOverlap adds to the engine's "Pool overlaps" whose pool it is.
func (e engine) explainOverlap(ctx context.Context, n NetworkSpec, err error) error {
	if !strings.Contains(err.Error(), "overlaps") {
		return err
	}
	list, listErr := e.NetworkList(ctx, client.NetworkListOptions{})
	if listErr != nil {
		return err
	}
	for _, other := range list.Items {
		for _, c := range other.IPAM.Config {
			for _, subnet := range n.Subnets {
				if c.Subnet.IsValid() && c.Subnet.Overlaps(subnet) {
					return fmt.Errorf("the engine's network %s has %s already: remove it (docker network rm %s) or take what uses it down", other.Name, c.Subnet, other.Name)
				}
			}
		}
	}
	return err
}

func flatten(m map[string]string) []string {
	var pairs []string
	for k, v := range m {
		pairs = append(pairs, k, v)
	}
	return pairs
}
