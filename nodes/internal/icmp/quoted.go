package icmp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Protocol numbers of IP that have ports.
const (
	protocolTCP = 6
	protocolUDP = 17
)

// Flow is what an ICMP error tells of the packet that it is about.
type Flow struct {
	Protocol            uint8
	Source, Destination netip.AddrPort // without ports, where Protocol has none: port 0
	TTL                 uint8          // what was left of it, or of the hop limit
	Payload             []byte         // what follows the IP header, as far as it is quoted
}

// String words the flow: "UDP 10.1.1.10:40000 -> 10.1.2.10:50007".
func (f Flow) String() string {
	if !f.HasPorts() {
		return fmt.Sprintf("%s %v -> %v", ProtocolName(f.Protocol), f.Source.Addr(), f.Destination.Addr())
	}
	return fmt.Sprintf("%s %v -> %v", ProtocolName(f.Protocol), f.Source, f.Destination)
}

// HasPorts tells whether the flow is of a protocol with ports, and they are quoted.
func (f Flow) HasPorts() bool {
	return (f.Protocol == protocolTCP || f.Protocol == protocolUDP) && len(f.Payload) >= 4
}

// ProtocolName is the name of an IP protocol number, or the number.
func ProtocolName(p uint8) string {
	switch p {
	case Protocol:
		return "ICMP"
	case 2:
		return "IGMP"
	case protocolTCP:
		return "TCP"
	case protocolUDP:
		return "UDP"
	case 41:
		return "IPv6"
	case 47:
		return "GRE"
	case Protocol6:
		return "ICMPv6"
	}
	return fmt.Sprintf("protocol %d", p)
}

// Quoted reads the beginning of a packet, IP header first, as an ICMP error quotes
// it (RFC 792: the IP header and 8 bytes or more; RFC 4443: as much as fits).
// It reports false if that is not an IP header.
func Quoted(b []byte) (Flow, bool) {
	if len(b) == 0 {
		return Flow{}, false
	}
	switch b[0] >> 4 {
	case 4:
		return quoted4(b)
	case 6:
		return quoted6(b)
	}
	return Flow{}, false
}

func quoted4(b []byte) (Flow, bool) {
	size := int(b[0]&0xf) * 4
	if size < 20 || len(b) < size {
		return Flow{}, false
	}
	f := Flow{Protocol: b[9], TTL: b[8], Payload: b[size:]}
	if offset := binary.BigEndian.Uint16(b[6:]) & 0x1fff; offset != 0 {
		f.Payload = nil // a later fragment begins without ports
	}
	f.fill(netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:])))
	return f, true
}

func quoted6(b []byte) (Flow, bool) {
	if len(b) < 40 {
		return Flow{}, false
	}
	f := Flow{Protocol: b[6], TTL: b[7], Payload: b[40:]}
	f.fill(netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:])))
	return f, true
}

func (f *Flow) fill(source, destination netip.Addr) {
	var from, to uint16
	if f.HasPorts() {
		from, to = binary.BigEndian.Uint16(f.Payload), binary.BigEndian.Uint16(f.Payload[2:])
	}
	f.Source, f.Destination = netip.AddrPortFrom(source, from), netip.AddrPortFrom(destination, to)
}
