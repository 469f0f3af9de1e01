// Package icmp words ICMP messages, of IPv4 and of IPv6, and reads the packet
// that an ICMP error is about.
package icmp

import "fmt"

// Protocol numbers of IP (IANA).
const (
	Protocol  = 1  // ICMP
	Protocol6 = 58 // ICMPv6
)

// Types that programs ask for by name (RFC 792; RFC 4443 for IPv6).
const (
	EchoReply    = 0
	Unreachable  = 3
	EchoRequest  = 8
	TimeExceeded = 11

	Unreachable6  = 1
	PacketTooBig6 = 2
	TimeExceeded6 = 3
	EchoRequest6  = 128
	EchoReply6    = 129
)

// Codes of Unreachable and Unreachable6.
const (
	CodePort                = 3
	CodeFragmentationNeeded = 4
	CodePort6               = 4
)

// Message is the type and code of an ICMP message.
type Message struct {
	V6   bool // ICMPv6
	Type uint8
	Code uint8
}

// String words the message: "destination unreachable: port unreachable".
func (m Message) String() string {
	name, ok := m.typeNames()[m.Type]
	if !ok {
		return fmt.Sprintf("type %d code %d", m.Type, m.Code)
	}
	codes, ok := m.codeNames()[m.Type]
	if !ok {
		return name
	}
	if code, ok := codes[m.Code]; ok {
		return name + code
	}
	return fmt.Sprintf("%s: code %d", name, m.Code)
}

// Name words the type alone: "destination unreachable".
func (m Message) Name() string {
	if name, ok := m.typeNames()[m.Type]; ok {
		return name
	}
	return "unknown"
}

// IsError tells an error, which is about another packet, from a query or an
// answer.
func (m Message) IsError() bool {
	if m.V6 {
		return m.Type < 128 // RFC 4443 section 2.1
	}
	switch m.Type {
	case Unreachable, 4, 5, TimeExceeded, 12: // RFC 1122 section 3.2.2
		return true
	}
	return false
}

// IsPortUnreachable tells the error by which a host, not a router, says that it was
// reached and nobody listens.
func (m Message) IsPortUnreachable() bool {
	if m.V6 {
		return m.Type == Unreachable6 && m.Code == CodePort6
	}
	return m.Type == Unreachable && m.Code == CodePort
}

// IsTimeExceeded tells the error of a router that found no TTL left.
func (m Message) IsTimeExceeded() bool {
	if m.V6 {
		return m.Type == TimeExceeded6 && m.Code == 0
	}
	return m.Type == TimeExceeded && m.Code == 0
}

// IsTooBig tells the error that names the MTU which a packet did not fit.
func (m Message) IsTooBig() bool {
	if m.V6 {
		return m.Type == PacketTooBig6
	}
	return m.Type == Unreachable && m.Code == CodeFragmentationNeeded
}

// IsEcho tells a ping or the answer to one.
func (m Message) IsEcho() bool {
	if m.V6 {
		return m.Type == EchoRequest6 || m.Type == EchoReply6
	}
	return m.Type == EchoRequest || m.Type == EchoReply
}

func (m Message) typeNames() map[uint8]string {
	if m.V6 {
		return types6
	}
	return types4
}

func (m Message) codeNames() map[uint8]map[uint8]string {
	if m.V6 {
		return codes6
	}
	return codes4
}

// The types of RFC 792, RFC 950 and RFC 1256.
var types4 = map[uint8]string{
	EchoReply:    "echo reply",
	Unreachable:  "destination unreachable",
	4:            "source quench",
	5:            "redirect",
	EchoRequest:  "echo request",
	9:            "router advertisement",
	10:           "router solicitation",
	TimeExceeded: "time exceeded",
	12:           "parameter problem",
	13:           "timestamp request",
	14:           "timestamp reply",
}

// The codes of RFC 792, RFC 1122 section 3.2.2.1 and RFC 1812 section 5.2.7.1.
var codes4 = map[uint8]map[uint8]string{
	Unreachable: {
		0:                       ": network unreachable",
		1:                       ": host unreachable",
		2:                       ": protocol unreachable",
		CodePort:                ": port unreachable",
		CodeFragmentationNeeded: ": fragmentation needed",
		5:                       ": source route failed",
		6:                       ": network unknown",
		7:                       ": host unknown",
		9:                       ": network administratively prohibited",
		10:                      ": host administratively prohibited",
		11:                      ": network unreachable for this type of service",
		12:                      ": host unreachable for this type of service",
		13:                      ": communication administratively prohibited",
	},
	5: {
		0: " for the network",
		1: " for the host",
		2: " for the type of service and network",
		3: " for the type of service and host",
	},
	TimeExceeded: {
		0: " in transit",
		1: " in reassembly of fragments",
	},
}

// The types of RFC 4443, RFC 4861, RFC 2710 and RFC 3810.
var types6 = map[uint8]string{
	Unreachable6:  "destination unreachable",
	PacketTooBig6: "packet too big",
	TimeExceeded6: "time exceeded",
	4:             "parameter problem",
	EchoRequest6:  "echo request",
	EchoReply6:    "echo reply",
	130:           "multicast listener query",
	131:           "multicast listener report",
	132:           "multicast listener done",
	133:           "router solicitation",
	134:           "router advertisement",
	135:           "neighbour solicitation",
	136:           "neighbour advertisement",
	137:           "redirect",
	143:           "multicast listener report, version 2",
}

// The codes of RFC 4443 section 3.
var codes6 = map[uint8]map[uint8]string{
	Unreachable6: {
		0:         ": no route",
		1:         ": administratively prohibited",
		2:         ": beyond the scope of the source address",
		3:         ": address unreachable",
		CodePort6: ": port unreachable",
		5:         ": source address failed policy",
		6:         ": route rejected",
	},
	TimeExceeded6: {
		0: " in transit",
		1: " in reassembly of fragments",
	},
}
