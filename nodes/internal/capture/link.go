package capture

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/gopacket/gopacket/layers"
)

// ethernetLayer is the link-layer header (IEEE 802.3).
func (p *packet) ethernetLayer() layer {
	e := p.ethernet
	l := layer{name: "Ethernet", size: len(e.Contents)}
	l.add("destination", e.DstMAC, macMeaning(e.DstMAC))
	l.add("source", e.SrcMAC, macMeaning(e.SrcMAC))
	if e.Length > 0 {
		l.add("length", e.Length, "of an IEEE 802.3 frame with LLC")
		return l
	}
	l.add("type", hex16(uint16(e.EthernetType)), etherMeaning(e.EthernetType))
	if n := p.padding(); n > 0 {
		l.add("padding", n, "bytes at the end of the frame: no frame is shorter than 60")
	}
	return l
}

// padding is how many bytes the frame has after those that are the packet's.
func (p *packet) padding() int {
	switch {
	case p.arp != nil:
		return len(p.arp.Payload)
	case p.ip4 != nil:
		return len(p.ethernet.Payload) - int(p.ip4.Length)
	case p.ip6 != nil:
		return len(p.ethernet.Payload) - len(p.ip6.Contents) - int(p.ip6.Length)
	}
	return 0
}

func macMeaning(a net.HardwareAddr) string {
	switch {
	case a.String() == "ff:ff:ff:ff:ff:ff":
		return "everybody on this LAN"
	case a.String() == "00:00:00:00:00:00":
		return "nobody: the loopback interface needs no address"
	case len(a) > 0 && a[0]&1 != 0:
		return "a group on this LAN"
	case len(a) > 0 && a[0]&2 != 0:
		return "locally administered: made up, not a manufacturer's"
	}
	return ""
}

func etherMeaning(t layers.EthernetType) string {
	switch t {
	case layers.EthernetTypeIPv4:
		return "IPv4 follows"
	case layers.EthernetTypeIPv6:
		return "IPv6 follows"
	case layers.EthernetTypeARP:
		return "ARP follows"
	case layers.EthernetTypeDot1Q:
		return "a VLAN tag follows"
	}
	return ""
}

// arpLayer is an ARP packet (RFC 826).
func (p *packet) arpLayer() layer {
	a := p.arp
	l := layer{name: "ARP", size: len(a.Contents)}
	hardware := ""
	if a.AddrType == layers.LinkTypeEthernet {
		hardware = "Ethernet"
	}
	l.add("hardware type", uint16(a.AddrType), hardware)
	l.add("protocol type", hex16(uint16(a.Protocol)), protocolType(a.Protocol))
	l.add("hardware size", a.HwAddressSize, "bytes of a link-layer address")
	l.add("protocol size", a.ProtAddressSize, "bytes of an IP address")
	l.add("operation", a.Operation, operationMeaning(a.Operation))
	l.add("sender link address", net.HardwareAddr(a.SourceHwAddress), "")
	l.add("sender IP address", protocolAddr(a.SourceProtAddress), "")
	unknown := ""
	if a.Operation == layers.ARPRequest {
		unknown = "the question: nobody knows yet"
	}
	l.add("target link address", net.HardwareAddr(a.DstHwAddress), unknown)
	l.add("target IP address", protocolAddr(a.DstProtAddress), "")
	return l
}

func protocolType(t layers.EthernetType) string {
	if t == layers.EthernetTypeIPv4 {
		return "IPv4"
	}
	return ""
}

func operationMeaning(operation uint16) string {
	switch operation {
	case layers.ARPRequest:
		return "request: who has the target IP address?"
	case layers.ARPReply:
		return "reply: the sender has it"
	}
	return ""
}

func protocolAddr(b []byte) string {
	if a, ok := netip.AddrFromSlice(b); ok {
		return a.String()
	}
	return fmt.Sprintf("% x", b)
}

// hex16 writes a number of two bytes in hexadecimal.
func hex16(n uint16) string { return fmt.Sprintf("%#04x", n) }
