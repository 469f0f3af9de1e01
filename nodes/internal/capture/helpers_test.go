package capture

import (
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/require"
)

var (
	hostA   = net.IPv4(10, 30, 1, 10).To4()
	hostB   = net.IPv4(10, 30, 2, 10).To4()
	router  = net.IPv4(10, 30, 1, 1).To4()
	hostA6  = net.ParseIP("2001:db8:30:1::10")
	hostB6  = net.ParseIP("2001:db8:30:2::10")
	macA    = net.HardwareAddr{2, 0, 0, 0, 0, 0xa}
	macB    = net.HardwareAddr{2, 0, 0, 0, 0, 0xb}
	everyL2 = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	midday  = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
)

// serialize returns the bytes of layers with right lengths and checksums.
func serialize(tb testing.TB, l ...gopacket.SerializableLayer) []byte {
	tb.Helper()
	b := gopacket.NewSerializeBuffer()
	require.NoError(tb, gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...))
	return b.Bytes()
}

// received returns layers as a frame that came in on an interface.
func received(tb testing.TB, l ...gopacket.SerializableLayer) frame {
	tb.Helper()
	return frame{at: midday, data: serialize(tb, l...), link: "lan", index: 2}
}

func ethernet(t layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: macA, DstMAC: macB, EthernetType: t}
}

func ip4(protocol layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 63, Id: 0x1234, Flags: layers.IPv4DontFragment, Protocol: protocol, SrcIP: hostA, DstIP: hostB}
}

func ip6(next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 63, NextHeader: next, SrcIP: hostA6, DstIP: hostB6}
}

// segment is a TCP segment for the tests of conversations: from A to B, or back.
type segment struct {
	back     bool
	flags    string // "SA": the first letters
	seq, ack uint32
	window   uint16
	payload  string
	options  []layers.TCPOption
}

// frame returns the segment as a frame.
func (s segment) frame(tb testing.TB) frame {
	ip := ip4(layers.IPProtocolTCP)
	tcp := &layers.TCP{SrcPort: 40000, DstPort: 50007, Seq: s.seq, Ack: s.ack, Window: s.window, Options: s.options}
	if s.back {
		ip.SrcIP, ip.DstIP = ip.DstIP, ip.SrcIP
		tcp.SrcPort, tcp.DstPort = tcp.DstPort, tcp.SrcPort
	}
	for _, f := range s.flags {
		switch f {
		case 'S':
			tcp.SYN = true
		case 'F':
			tcp.FIN = true
		case 'R':
			tcp.RST = true
		case 'P':
			tcp.PSH = true
		case 'A':
			tcp.ACK = true
		}
	}
	require.NoError(tb, tcp.SetNetworkLayerForChecksum(ip))
	return received(tb, ethernet(layers.EthernetTypeIPv4), ip, tcp, gopacket.Payload(s.payload))
}

func scale(n byte) []layers.TCPOption {
	return []layers.TCPOption{{OptionType: layers.TCPOptionKindWindowScale, OptionLength: 3, OptionData: []byte{n}}}
}

func udpFrame(tb testing.TB, payload []byte) frame {
	tb.Helper()
	ip := ip4(layers.IPProtocolUDP)
	udp := &layers.UDP{SrcPort: 40000, DstPort: 50007}
	require.NoError(tb, udp.SetNetworkLayerForChecksum(ip))
	return received(tb, ethernet(layers.EthernetTypeIPv4), ip, udp, gopacket.Payload(payload))
}

func arpFrame(tb testing.TB, operation uint16) frame {
	tb.Helper()
	return received(tb, &layers.Ethernet{SrcMAC: macA, DstMAC: everyL2, EthernetType: layers.EthernetTypeARP}, &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: operation,
		SourceHwAddress: macA, SourceProtAddress: hostA, DstHwAddress: make([]byte, 6), DstProtAddress: router,
	})
}

// icmpError is an ICMP error of the router about a datagram of A to B.
func icmpError(tb testing.TB, typ, code uint8, mtu uint16) frame {
	tb.Helper()
	about := udpFrame(tb, []byte("Hello")).data[14:]
	ip := ip4(layers.IPProtocolICMPv4)
	ip.SrcIP, ip.DstIP = router, hostA
	return received(tb, ethernet(layers.EthernetTypeIPv4), ip,
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(typ, code), Seq: mtu}, gopacket.Payload(about))
}

func pingFrame(tb testing.TB) frame {
	tb.Helper()
	return received(tb, ethernet(layers.EthernetTypeIPv4), ip4(layers.IPProtocolICMPv4),
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0), Id: 5, Seq: 1}, gopacket.Payload("ping"))
}

func ping6Frame(tb testing.TB) frame {
	tb.Helper()
	ip := ip6(layers.IPProtocolICMPv6)
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}
	require.NoError(tb, icmp.SetNetworkLayerForChecksum(ip))
	return received(tb, ethernet(layers.EthernetTypeIPv6), ip, icmp, &layers.ICMPv6Echo{Identifier: 5, SeqNumber: 1}, gopacket.Payload("ping"))
}
