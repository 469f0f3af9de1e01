package nat

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
)

// Link is a network interface and its addresses.
type Link struct {
	Name  string
	Addrs []netip.Prefix
}

// Plan is a Config whose interfaces are found and whose defaults are filled in.
type Plan struct {
	Config
	InsideLinks []string // one per Inside
	OutsideLink string
}

// Plan finds the interfaces among links. Its error has one line per fault.
func (c Config) Plan(links []Link) (Plan, error) {
	p := Plan{Config: c}
	p.Forwards = slices.Clone(c.Forwards)
	faults := []error{c.Lifetimes.check(), c.checkKinds()}
	faults = append(faults, p.findOutside(links), p.findInside(links), p.fixForwards(), c.checkLimits())
	if err := errors.Join(faults...); err != nil {
		return Plan{}, err
	}
	return p, nil
}

func (c Config) checkKinds() error {
	return errors.Join(
		mappings.valid(uint8(c.Mapping)),
		filterings.valid(uint8(c.Filtering)),
		permissions.valid(uint8(c.Permission)),
		portKinds.valid(uint8(c.Ports)),
	)
}

func (c Config) checkLimits() error {
	var faults []error
	for _, p := range c.Untranslated {
		if !p.IsValid() || !p.Addr().Is4() {
			faults = append(faults, fmt.Errorf("untranslated %v: not an IPv4 subnet", p))
		}
	}
	if c.HostMappings < 0 || c.HostMappings > math.MaxUint16 {
		faults = append(faults, fmt.Errorf("mappings per host: %d is not from 0 to %d", c.HostMappings, math.MaxUint16))
	}
	return errors.Join(faults...)
}

func (p *Plan) findOutside(links []Link) error {
	if !p.Outside.IsValid() || !p.Outside.Addr().Is4() {
		return fmt.Errorf("outside %v: not an IPv4 subnet", p.Outside)
	}
	link, addr, ok := find(links, p.Outside)
	if !ok {
		return fmt.Errorf("outside %v: no interface has an address in it", p.Outside)
	}
	p.OutsideLink = link.Name
	if len(p.OutsideAddrs) == 0 {
		p.OutsideAddrs = []netip.Addr{addr}
		return nil
	}
	var faults []error
	for i, a := range p.OutsideAddrs {
		if !slices.ContainsFunc(link.Addrs, func(has netip.Prefix) bool { return has.Addr() == a }) {
			faults = append(faults, fmt.Errorf("outside address %v: interface %s does not have it", a, link.Name))
		}
		if slices.Contains(p.OutsideAddrs[:i], a) {
			faults = append(faults, fmt.Errorf("outside address %v: given twice", a))
		}
	}
	return errors.Join(faults...)
}

func (p *Plan) findInside(links []Link) error {
	if len(p.Inside) == 0 {
		return errors.New("no inside subnet is given")
	}
	var faults []error
	for _, subnet := range p.Inside {
		link, _, ok := find(links, subnet)
		switch {
		case !subnet.IsValid() || !subnet.Addr().Is4():
			faults = append(faults, fmt.Errorf("inside %v: not an IPv4 subnet", subnet))
		case !ok:
			faults = append(faults, fmt.Errorf("inside %v: no interface has an address in it", subnet))
		case link.Name == p.OutsideLink:
			faults = append(faults, fmt.Errorf("inside %v: on the outside interface %s", subnet, link.Name))
		case subnet.Overlaps(p.Outside):
			// RFC 4787 REQ-7: an address must not mean two hosts.
			faults = append(faults, fmt.Errorf("inside %v: overlaps the outside subnet %v", subnet, p.Outside))
		}
		p.InsideLinks = append(p.InsideLinks, link.Name)
	}
	return errors.Join(faults...)
}

func (p *Plan) fixForwards() error {
	if len(p.OutsideAddrs) == 0 {
		return nil // a fault that findOutside reports
	}
	var faults []error
	for i := range p.Forwards {
		f := &p.Forwards[i]
		if !f.Outside.Addr().IsValid() {
			f.Outside = netip.AddrPortFrom(p.OutsideAddrs[0], f.Outside.Port())
		}
		if err := p.checkForward(*f, p.Forwards[:i]); err != nil {
			faults = append(faults, fmt.Errorf("forward %v: %w", f, err))
		}
	}
	slices.SortFunc(p.Forwards, compareForwards)
	return errors.Join(faults...)
}

func (p *Plan) checkForward(f Forward, before []Forward) error {
	if f.Protocol != TCP && f.Protocol != UDP {
		return fmt.Errorf("%v cannot be forwarded", f.Protocol)
	}
	if f.Outside.Port() == 0 || f.Inside.Port() == 0 {
		return errors.New("port 0 is none")
	}
	if !slices.Contains(p.OutsideAddrs, f.Outside.Addr()) {
		return fmt.Errorf("%v is not an outside address", f.Outside.Addr())
	}
	if !slices.ContainsFunc(p.Inside, func(s netip.Prefix) bool { return s.Contains(f.Inside.Addr()) }) {
		return fmt.Errorf("%v is not in an inside subnet", f.Inside.Addr())
	}
	for _, o := range before {
		if o.Protocol == f.Protocol && o.Outside == f.Outside {
			return fmt.Errorf("the port is taken by forward %v", o)
		}
	}
	return nil
}

// find returns the first interface with an address in the subnet, and the address.
func find(links []Link, subnet netip.Prefix) (Link, netip.Addr, bool) {
	for _, l := range links {
		for _, a := range l.Addrs {
			if subnet.IsValid() && subnet.Contains(a.Addr()) {
				return l, a.Addr(), true
			}
		}
	}
	return Link{}, netip.Addr{}, false
}
