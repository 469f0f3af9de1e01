package capture

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// filter says which packets are wanted: those of any of its protocols, of any of its
// ports, and of any of its hosts. What is empty leaves all.
type filter struct {
	tcp, udp, arp, icmp bool
	ports               ports
	hosts               hosts
}

// match tells whether the packet is wanted.
func (f *filter) match(p *packet) bool {
	return f.protocol(p) && f.port(p) && f.host(p)
}

func (f *filter) protocol(p *packet) bool {
	if !f.tcp && !f.udp && !f.arp && !f.icmp {
		return true
	}
	switch p.name() { // so that fragments are of their protocol
	case "TCP":
		return f.tcp
	case "UDP":
		return f.udp
	case "ARP":
		return f.arp
	case "ICMP", "ICMPv6":
		return f.icmp
	}
	return false
}

// port compares the packet's ports, or those of the packet that an ICMP error is
// about: it belongs to the conversation.
func (f *filter) port(p *packet) bool {
	if len(f.ports) == 0 {
		return true
	}
	source, destination := p.addresses()
	if about, ok := p.quoted(); ok && about.HasPorts() {
		source, destination = about.Source, about.Destination
	}
	return slices.Contains(f.ports, source.Port()) || slices.Contains(f.ports, destination.Port())
}

func (f *filter) host(p *packet) bool {
	if len(f.hosts) == 0 {
		return true
	}
	source, destination := p.addresses()
	return slices.Contains(f.hosts, source.Addr()) || slices.Contains(f.hosts, destination.Addr())
}

// ports is a flag that may be repeated. It is a pflag.Value.
type ports []uint16

func (p *ports) String() string { return list(*p) }
func (p *ports) Type() string   { return "port" }

func (p *ports) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("must be a number from 1 to 65535")
	}
	*p = append(*p, uint16(n))
	return nil
}

// hosts is a flag that may be repeated. It is a pflag.Value.
type hosts []netip.Addr

func (h *hosts) String() string { return list(*h) }
func (h *hosts) Type() string   { return "ip" }

func (h *hosts) Set(s string) error {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return fmt.Errorf("must be an IP address, such as 10.1.1.10")
	}
	*h = append(*h, a)
	return nil
}

// list is how a flag's help shows a default: not at all if there is none.
func list[T any](values []T) string {
	if len(values) == 0 {
		return ""
	}
	return fmt.Sprint(values)
}

// String words the filter for the event ready.
func (f *filter) String() string {
	var words []string
	for _, p := range []struct {
		wanted bool
		name   string
	}{{f.tcp, "TCP"}, {f.udp, "UDP"}, {f.arp, "ARP"}, {f.icmp, "ICMP"}} {
		if p.wanted {
			words = append(words, p.name)
		}
	}
	text := "every packet"
	if words != nil {
		text = "packets of " + alternatives(words)
	}
	if len(f.ports) > 0 {
		text += ", port " + alternatives(f.ports)
	}
	if len(f.hosts) > 0 {
		text += ", host " + alternatives(f.hosts)
	}
	return text
}

// alternatives joins values: "a", "a or b".
func alternatives[T any](values []T) string {
	s := ""
	for i, v := range values {
		if i > 0 {
			s += " or "
		}
		s += fmt.Sprint(v)
	}
	return s
}
