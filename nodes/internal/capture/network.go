package capture

import (
	"fmt"

	"github.com/gopacket/gopacket/layers"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// ip4Layer is an IPv4 header (RFC 791 section 3.1).
func (p *packet) ip4Layer() layer {
	ip := p.ip4
	l := layer{name: "IPv4", size: len(ip.Contents)}
	l.add("version", ip.Version, "")
	l.addf("header length", ip.IHL, "words of 4 bytes: %s", node.Bytes(int(ip.IHL)*4))
	addTrafficClass(&l, ip.TOS)
	l.addf("total length", ip.Length, "header and %s", node.Bytes(int(ip.Length)-int(ip.IHL)*4))
	l.add("identification", hex16(ip.Id), "the same in all fragments of a packet")
	l.add("flag reserved", bit(ip.Flags&layers.IPv4EvilBit != 0), "must be 0")
	l.add("flag DF", bit(ip.Flags&layers.IPv4DontFragment != 0), either(ip.Flags&layers.IPv4DontFragment != 0, "do not fragment", "routers may fragment"))
	l.add("flag MF", bit(ip.Flags&layers.IPv4MoreFragments != 0), either(ip.Flags&layers.IPv4MoreFragments != 0, "more fragments follow", "the last fragment, or the only one"))
	l.addf("fragment offset", ip.FragOffset, "words of 8 bytes: at byte %d of the packet", int(ip.FragOffset)*8)
	l.add("time to live", ip.TTL, "each router takes one off; at 0 the packet is dropped")
	l.addf("protocol", uint8(ip.Protocol), "%s follows", protocolMeaning(ip.Protocol))
	l.add("header checksum", hex16(ip.Checksum), p.checksums()[0].meaning())
	l.add("source", ip.SrcIP, "")
	l.add("destination", ip.DstIP, "")
	for _, o := range ip.Options {
		l.add("option", o.OptionType, fmt.Sprintf("% x", o.OptionData))
	}
	return l
}

// addTrafficClass adds the byte that RFC 2474 and RFC 3168 have made two fields of.
func addTrafficClass(l *layer, b uint8) {
	l.add("DSCP", b>>2, either(b>>2 == 0, "best effort", "a class of service (RFC 2474)"))
	meaning := "the sender does not understand congestion marks (RFC 3168)"
	switch b & 3 {
	case 1, 2:
		meaning = "the sender understands congestion marks (RFC 3168)"
	case 3:
		meaning = "congestion experienced (RFC 3168)"
	}
	l.add("ECN", b&3, meaning)
}

// ip6Layer is an IPv6 header (RFC 8200 section 3).
func (p *packet) ip6Layer() layer {
	ip := p.ip6
	l := layer{name: "IPv6", size: len(ip.Contents)}
	l.add("version", ip.Version, "")
	addTrafficClass(&l, ip.TrafficClass)
	l.add("flow label", fmt.Sprintf("%#05x", ip.FlowLabel), "the same in all packets of a flow (RFC 6437)")
	l.add("payload length", ip.Length, "what follows this header")
	l.addf("next header", uint8(ip.NextHeader), "%s follows", nextMeaning(ip.NextHeader))
	l.add("hop limit", ip.HopLimit, "each router takes one off; at 0 the packet is dropped")
	l.add("source", ip.SrcIP, "")
	l.add("destination", ip.DstIP, "")
	if h := ip.HopByHop; h != nil {
		l.addf("hop-by-hop options", len(h.Options), "for every router on the way; %s follows", nextMeaning(h.NextHeader))
	}
	return l
}

func nextMeaning(next layers.IPProtocol) string {
	switch next {
	case layers.IPProtocolIPv6HopByHop:
		return "a hop-by-hop header"
	case layers.IPProtocolIPv6Routing:
		return "a routing header"
	case layers.IPProtocolIPv6Fragment:
		return "a fragment header"
	case layers.IPProtocolIPv6Destination:
		return "a header of destination options"
	case layers.IPProtocolNoNextHeader:
		return "nothing"
	}
	return protocolMeaning(next)
}

// fragmentLayer is IPv6's fragment header (RFC 8200 section 4.5).
func (p *packet) fragmentLayer() layer {
	f := p.fragment
	l := layer{name: "IPv6 fragment", size: len(f.Contents)}
	l.addf("next header", uint8(f.NextHeader), "%s follows", nextMeaning(f.NextHeader))
	l.add("reserved", f.Reserved1, "")
	l.addf("fragment offset", f.FragmentOffset, "words of 8 bytes: at byte %d of the packet", int(f.FragmentOffset)*8)
	l.add("reserved bits", f.Reserved2, "")
	l.add("flag M", bit(f.MoreFragments), either(f.MoreFragments, "more fragments follow", "the last fragment"))
	l.add("identification", fmt.Sprintf("%#08x", f.Identification), "the same in all fragments of a packet")
	return l
}

// bit is how a header has a flag.
func bit(set bool) int {
	if set {
		return 1
	}
	return 0
}

func either(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}
