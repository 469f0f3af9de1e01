package router

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/spf13/pflag"

	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/portmap"
)

// portMapping is what a router is told about hosts that want a port.
type portMapping struct {
	on, lowPorts bool
}

func (p *portMapping) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&p.on, "port-mapping", false, "let hosts of the inside ask for ports by NAT-PMP, PCP and UPnP")
	f.BoolVar(&p.lowPorts, "port-mapping-low-ports", false, "outside ports below 1024, too, for who asks for one")
}

// check sees that there is a NAT to map ports in.
func (p portMapping) check(c *nat.Config) error {
	switch {
	case p.lowPorts && !p.on:
		return errors.New("--port-mapping-low-ports is for --port-mapping")
	case p.on && c == nil:
		return errors.New("--port-mapping is for a NAT: name its sides by --inside and --outside, of IPv4")
	}
	return nil
}

// listen binds what the server of port mappings needs, and returns the function that
// serves until its context is done; without --port-mapping it only waits.
func (p portMapping) listen(ctx context.Context, c *nat.Config, taken []netip.Prefix) (func(context.Context) error, error) {
	if !p.on {
		return func(ctx context.Context) error { <-ctx.Done(); return nil }, nil
	}
	k, err := nat.Open()
	if err != nil {
		return nil, err
	}
	inside, err := insideAddresses(k, c.Inside, taken)
	if err != nil {
		return nil, errors.Join(err, k.Close())
	}
	s, err := portmap.Listen(ctx, k, portmap.Config{Inside: inside, LowPorts: p.lowPorts})
	if err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return func(ctx context.Context) error { return errors.Join(s.Serve(ctx), k.Close()) }, nil
}

// insideAddresses are the router's in the inside subnets; first those it has taken,
// since these are where its hosts' default routes lead.
func insideAddresses(k *nat.Kernel, inside, taken []netip.Prefix) ([]netip.Prefix, error) {
	links, err := k.Links()
	if err != nil {
		return nil, err
	}
	var first, rest []netip.Prefix
	for _, l := range links {
		for _, a := range l.Addrs {
			switch {
			case !slices.ContainsFunc(inside, func(p netip.Prefix) bool { return p.Contains(a.Addr()) }):
			case slices.Contains(taken, a):
				first = append(first, a)
			default:
				rest = append(rest, a)
			}
		}
	}
	return append(first, rest...), nil
}
