package nat

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Firewall is what stands between inside and outside where addresses are global and
// nothing is translated: IPv6. It filters as a NAT does that maps an inside
// transport address to itself (RFC 6092 section 3.2).
type Firewall struct {
	Inside    []netip.Prefix `json:"inside"`  // subnets, each on an interface
	Outside   netip.Prefix   `json:"outside"` // a subnet, or an address, of the outside interface
	Filtering Filtering      `json:"filtering"`
	Lifetimes Lifetimes      `json:"lifetimes"`
	Pinholes  []Pinhole      `json:"pinholes,omitempty"`
}

// Pinhole is an inside transport address that everybody may send to, for good.
type Pinhole struct {
	Protocol Protocol // TCP or UDP
	Inside   netip.AddrPort
}

// ParsePinhole reads "PROTOCOL:ADDRESS:PORT", as in tcp:[2001:db8:5:1::10]:80.
func ParsePinhole(s string) (Pinhole, error) {
	var p Pinhole
	if err := p.UnmarshalText([]byte(s)); err != nil {
		return Pinhole{}, err
	}
	return p, nil
}

// String returns what ParsePinhole reads.
func (p Pinhole) String() string { return p.Protocol.String() + ":" + p.Inside.String() }

// MarshalText returns what String does.
func (p Pinhole) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what ParsePinhole does.
func (p *Pinhole) UnmarshalText(text []byte) error {
	protocol, inside, _ := strings.Cut(string(text), ":")
	if err := p.Protocol.UnmarshalText([]byte(protocol)); err != nil || p.Protocol == ICMP {
		return fmt.Errorf("pinhole %q: %q has no ports; write tcp or udp", text, protocol)
	}
	var err error
	if p.Inside, err = netip.ParseAddrPort(inside); err != nil || p.Inside.Port() == 0 {
		return fmt.Errorf("pinhole %q: write tcp:[2001:db8:5:1::10]:80", text)
	}
	return nil
}

// FirewallPlan is a Firewall whose interfaces are found.
type FirewallPlan struct {
	Firewall
	InsideLinks []string // one per Inside
	OutsideLink string
}

// Plan finds the interfaces among links. Its error has one line per fault.
func (f Firewall) Plan(links []Link) (FirewallPlan, error) {
	p := FirewallPlan{Firewall: f}
	faults := []error{f.Lifetimes.check(), filterings.valid(uint8(f.Filtering))}
	outside, _, ok := find(links, f.Outside)
	if !ok || !f.Outside.Addr().Is6() {
		faults = append(faults, fmt.Errorf("outside %v: no interface has an IPv6 address in it", f.Outside))
	}
	p.OutsideLink = outside.Name
	if len(f.Inside) == 0 {
		faults = append(faults, errors.New("no inside subnet is given"))
	}
	for _, s := range f.Inside {
		inside, _, ok := find(links, s)
		switch {
		case !ok || !s.Addr().Is6():
			faults = append(faults, fmt.Errorf("inside %v: no interface has an IPv6 address in it", s))
		case inside.Name == outside.Name:
			faults = append(faults, fmt.Errorf("inside %v: on the outside interface %s", s, inside.Name))
		}
		p.InsideLinks = append(p.InsideLinks, inside.Name)
	}
	for _, h := range f.Pinholes {
		faults = append(faults, f.checkPinhole(h))
	}
	if err := errors.Join(faults...); err != nil {
		return FirewallPlan{}, err
	}
	return p, nil
}

func (f Firewall) checkPinhole(h Pinhole) error {
	for _, s := range f.Inside {
		if s.Contains(h.Inside.Addr()) {
			return nil
		}
	}
	return fmt.Errorf("pinhole %v: %v is not in an inside subnet", h, h.Inside.Addr())
}
