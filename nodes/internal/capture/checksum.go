package capture

import (
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// sumState is what is known of a checksum.
type sumState string

const (
	sumRight   sumState = "right"
	sumWrong   sumState = "wrong"
	sumLeft    sumState = "left to the network card"
	sumUnused  sumState = "not used"
	sumUnknown sumState = "cannot be told" // not all it covers was captured
)

// checksum is one checksum of a packet.
type checksum struct {
	of      string // the header's name
	found   uint16
	correct uint16 // what would be right
	state   sumState
}

// meaning words the state for people.
func (c checksum) meaning() string {
	switch c.state {
	case sumWrong:
		return fmt.Sprintf("wrong, %#04x would be right", c.correct)
	case sumLeft:
		// CHECKSUM_PARTIAL: the kernel sums the pseudo-header alone. A veth pair, as
		// all containers have, is no card and never does the rest; nor does the
		// receiver look, since the bytes have been nowhere but in memory.
		return fmt.Sprintf("left to the network card; %#04x would be right", c.correct)
	case sumUnused:
		return "not used: the sender wrote none (RFC 768)"
	}
	return string(c.state)
}

// checksums returns the checksums of the packet, the outermost first.
func (p *packet) checksums() []checksum {
	var all []checksum
	if p.ip4 != nil {
		all = append(all, p.verify("IPv4", p.ip4, len(p.ip4.Contents) >= 20))
	}
	switch {
	case p.tcp != nil:
		all = append(all, p.transport("TCP", p.tcp))
	case p.udp != nil:
		c := p.transport("UDP", p.udp)
		if p.udp.Checksum == 0 && p.ip4 != nil {
			c.state = sumUnused
		}
		all = append(all, c)
	case p.icmp4 != nil:
		all = append(all, p.verify("ICMP", p.icmp4, p.whole()))
	case p.icmp6 != nil:
		all = append(all, p.verify("ICMPv6", p.icmp6, p.whole()))
	}
	return all
}

// transport verifies a checksum that may be left to the network card.
func (p *packet) transport(of string, l gopacket.LayerWithChecksum) checksum {
	c := p.verify(of, l, p.whole())
	if p.unsummed {
		c.state = sumLeft
	}
	return c
}

func (p *packet) verify(of string, l gopacket.LayerWithChecksum, whole bool) checksum {
	err, r := l.VerifyChecksum()
	c := checksum{of: of, found: uint16(r.Actual), correct: uint16(r.Correct), state: sumRight}
	switch {
	case err != nil, !whole:
		c.state = sumUnknown
	case !r.Valid:
		c.state = sumWrong
	}
	return c
}

// whole tells whether all that IP says belongs to the packet was captured.
func (p *packet) whole() bool {
	switch {
	case p.cut:
		return false
	case p.ip4 != nil:
		return len(p.ip4.Contents)+len(p.ip4.Payload) == int(p.ip4.Length)
	case p.ip6 != nil:
		return headers6(p.ip6)+len(p.ip6.Payload) >= int(p.ip6.Length)
	}
	return true
}

// headers6 is how many bytes of IPv6's payload length the library has read as a
// hop-by-hop header.
func headers6(ip *layers.IPv6) int {
	if ip.HopByHop == nil {
		return 0
	}
	return ip.HopByHop.ActualLength
}
