package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/crosslan/crosslan/nodes/internal/icmp"
)

// frame is a frame as the kernel hands it to a packet socket.
type frame struct {
	at       time.Time
	data     []byte
	cut      bool   // data is not all of it
	link     string // name of the interface
	index    int    // and its number
	outgoing bool   // this host sends it
	headless bool   // there is no link-layer header (a TUN device)
	protocol uint16 // Ethernet's number of the network protocol
	unsummed bool   // the checksum is left to the network card
	segment  int    // if not 0, the card is to cut the payload into segments of this size
}

// packet is a frame whose headers are read as far as they are known; those that it
// does not have are nil.
type packet struct {
	frame
	number int           // of those printed, from 1
	since  time.Duration // the first printed packet

	ethernet *layers.Ethernet
	arp      *layers.ARP
	ip4      *layers.IPv4
	ip6      *layers.IPv6
	fragment *layers.IPv6Fragment
	tcp      *layers.TCP
	udp      *layers.UDP
	icmp4    *layers.ICMPv4
	icmp6    *layers.ICMPv6

	payload []byte         // what the innermost header carries
	context segmentContext // what is known of a TCP segment from those before it
	err     error          // why the payload was not read further
}

// decode reads the headers of f.
func decode(f frame) *packet {
	p := &packet{frame: f, payload: f.data}
	if !f.headless {
		var ethernet layers.Ethernet
		if p.err = ethernet.DecodeFromBytes(f.data, gopacket.NilDecodeFeedback); p.err != nil {
			return p
		}
		p.ethernet, p.payload, p.protocol = &ethernet, ethernet.Payload, uint16(ethernet.EthernetType)
	}
	p.err = p.decodeNetwork()
	return p
}

func (p *packet) decodeNetwork() error {
	switch layers.EthernetType(p.protocol) {
	case layers.EthernetTypeARP:
		var arp layers.ARP
		if err := arp.DecodeFromBytes(p.payload, gopacket.NilDecodeFeedback); err != nil {
			return err
		}
		p.arp, p.payload = &arp, nil // what may follow is padding
	case layers.EthernetTypeIPv4:
		var ip layers.IPv4
		if err := ip.DecodeFromBytes(p.payload, gopacket.NilDecodeFeedback); err != nil {
			return err
		}
		p.ip4, p.payload = &ip, ip.Payload
		if ip.FragOffset != 0 || ip.Flags&layers.IPv4MoreFragments != 0 {
			return nil
		}
		return p.decodeTransport(ip.Protocol, &ip)
	case layers.EthernetTypeIPv6:
		return p.decodeIPv6()
	}
	return nil
}

func (p *packet) decodeIPv6() error {
	var ip layers.IPv6
	if err := ip.DecodeFromBytes(p.payload, gopacket.NilDecodeFeedback); err != nil {
		return err
	}
	p.ip6, p.payload = &ip, ip.Payload
	next := ip.NextHeader
	if ip.HopByHop != nil {
		next = ip.HopByHop.NextHeader
	}
	for {
		switch next {
		case layers.IPProtocolIPv6Routing, layers.IPProtocolIPv6Destination:
			var skip layers.IPv6ExtensionSkipper
			if err := skip.DecodeFromBytes(p.payload, gopacket.NilDecodeFeedback); err != nil {
				return err
			}
			next, p.payload = skip.NextHeader, skip.Payload
		case layers.IPProtocolIPv6Fragment:
			fragment, err := decodeFragment(p.payload)
			if err == nil {
				p.fragment, p.payload = fragment, fragment.Payload
			}
			return err
		default:
			return p.decodeTransport(next, &ip)
		}
	}
}

// decodeFragment reads a fragment header (RFC 8200 section 4.5), which the library
// reads only as a part of a whole packet.
func decodeFragment(b []byte) (*layers.IPv6Fragment, error) {
	if len(b) < 8 {
		return nil, fmt.Errorf("fragment header of %d bytes, not 8", len(b))
	}
	offset := binary.BigEndian.Uint16(b[2:])
	return &layers.IPv6Fragment{
		BaseLayer:      layers.BaseLayer{Contents: b[:8], Payload: b[8:]},
		NextHeader:     layers.IPProtocol(b[0]),
		Reserved1:      b[1],
		FragmentOffset: offset >> 3,
		Reserved2:      uint8(offset >> 1 & 3),
		MoreFragments:  offset&1 != 0,
		Identification: binary.BigEndian.Uint32(b[4:]),
	}, nil
}

// decodeTransport reads the header above IP. The checksums of these headers cover
// addresses of the network header.
func (p *packet) decodeTransport(protocol layers.IPProtocol, network gopacket.NetworkLayer) error {
	switch protocol {
	case layers.IPProtocolTCP:
		var tcp layers.TCP
		if err := tcp.DecodeFromBytes(p.payload, gopacket.NilDecodeFeedback); err != nil {
			return err
		}
		p.tcp, p.payload = &tcp, tcp.Payload
		return tcp.SetNetworkLayerForChecksum(network)
	case layers.IPProtocolUDP:
		var udp layers.UDP
		if err := udp.DecodeFromBytes(p.payload, gopacket.NilDecodeFeedback); err != nil {
			return err
		}
		p.udp, p.payload = &udp, udp.Payload
		return udp.SetNetworkLayerForChecksum(network)
	case layers.IPProtocolICMPv4:
		var icmp layers.ICMPv4
		if err := icmp.DecodeFromBytes(p.payload, gopacket.NilDecodeFeedback); err != nil {
			return err
		}
		p.icmp4, p.payload = &icmp, icmp.Payload
	case layers.IPProtocolICMPv6:
		var icmp layers.ICMPv6
		if err := icmp.DecodeFromBytes(p.payload, gopacket.NilDecodeFeedback); err != nil {
			return err
		}
		p.icmp6, p.payload = &icmp, icmp.Payload
		if m, body, _ := p.icmp(); m.IsEcho() && len(body) >= 4 {
			p.payload = body[4:] // identifier and sequence number are the header's
		}
		return icmp.SetNetworkLayerForChecksum(network)
	}
	return nil
}

// addresses returns the IP addresses of the packet, with ports if it has them. Those
// of an ARP packet are its sender's and its target's.
func (p *packet) addresses() (source, destination netip.AddrPort) {
	var from, to []byte
	switch {
	case p.ip4 != nil:
		from, to = p.ip4.SrcIP, p.ip4.DstIP
	case p.ip6 != nil:
		from, to = p.ip6.SrcIP, p.ip6.DstIP
	case p.arp != nil:
		from, to = p.arp.SourceProtAddress, p.arp.DstProtAddress
	}
	src, _ := netip.AddrFromSlice(from)
	dst, _ := netip.AddrFromSlice(to)
	var srcPort, dstPort uint16
	switch {
	case p.tcp != nil:
		srcPort, dstPort = uint16(p.tcp.SrcPort), uint16(p.tcp.DstPort)
	case p.udp != nil:
		srcPort, dstPort = uint16(p.udp.SrcPort), uint16(p.udp.DstPort)
	}
	return netip.AddrPortFrom(src, srcPort), netip.AddrPortFrom(dst, dstPort)
}

// icmp returns the ICMP message of the packet, if it is one, and the body that
// follows the first eight bytes, or four for IPv6.
func (p *packet) icmp() (m icmp.Message, body []byte, ok bool) {
	switch {
	case p.icmp4 != nil:
		t := p.icmp4.TypeCode
		return icmp.Message{Type: t.Type(), Code: t.Code()}, p.icmp4.Payload, true
	case p.icmp6 != nil:
		t := p.icmp6.TypeCode
		return icmp.Message{V6: true, Type: t.Type(), Code: t.Code()}, p.icmp6.Payload, true
	}
	return icmp.Message{}, nil, false
}

// quoted returns the packet that an ICMP error is about.
func (p *packet) quoted() (icmp.Flow, bool) {
	m, body, ok := p.icmp()
	if !ok || !m.IsError() {
		return icmp.Flow{}, false
	}
	if m.V6 {
		if len(body) < 4 {
			return icmp.Flow{}, false
		}
		body = body[4:]
	}
	return icmp.Quoted(body)
}

// name is the packet's protocol for the log: the innermost that is known.
func (p *packet) name() string {
	switch {
	case p.tcp != nil:
		return "TCP"
	case p.udp != nil:
		return "UDP"
	case p.icmp4 != nil:
		return "ICMP"
	case p.icmp6 != nil:
		return "ICMPv6"
	case p.arp != nil:
		return "ARP"
	case p.ip4 != nil:
		return icmp.ProtocolName(uint8(p.ip4.Protocol))
	case p.fragment != nil:
		return icmp.ProtocolName(uint8(p.fragment.NextHeader))
	case p.ip6 != nil:
		return icmp.ProtocolName(uint8(p.ip6.NextHeader))
	}
	return fmt.Sprintf("Ethernet type %#04x", p.protocol)
}
