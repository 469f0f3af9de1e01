package capture

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func TestLines(t *testing.T) {
	binding, err := hex.DecodeString("000100002112a442000102030405060708090a0b")
	require.NoError(t, err)
	fragment := ip4(layers.IPProtocolUDP)
	fragment.Flags, fragment.FragOffset = layers.IPv4MoreFragments, 185
	fragment6 := append([]byte{17, 0, 0, 9, 0, 0, 0, 7}, "rest"...)
	query, err := hex.DecodeString("000701000001000000000000" + "03776562" + "076578616d706c65" + "00" + "00010001")
	require.NoError(t, err)
	dns := udpFrame(t, query)
	dns.data[14+20+2], dns.data[14+20+3], dns.unsummed = 0, 53, true
	tests := []struct {
		name string
		f    frame
		want string
	}{
		{"udp", udpFrame(t, []byte("Hello, world")),
			`10.30.1.10:40000 -> 10.30.2.10:50007 UDP 12 bytes "Hello, world"`},
		{"an empty datagram", udpFrame(t, nil),
			`10.30.1.10:40000 -> 10.30.2.10:50007 UDP 0 bytes`},
		{"stun", udpFrame(t, binding),
			`10.30.1.10:40000 -> 10.30.2.10:50007 UDP 20 bytes STUN Binding request`},
		{"arp request", arpFrame(t, layers.ARPRequest),
			`ARP 10.30.1.10 at 02:00:00:00:00:0a asks: who has 10.30.1.1?`},
		{"arp reply", arpFrame(t, layers.ARPReply),
			`ARP 10.30.1.10 is at 02:00:00:00:00:0a`},
		{"ping", pingFrame(t),
			`10.30.1.10 -> 10.30.2.10 ICMP echo request id 5 seq 1 ttl 63 4 bytes`},
		{"ping of IPv6", ping6Frame(t),
			`2001:db8:30:1::10 -> 2001:db8:30:2::10 ICMPv6 echo request id 5 seq 1 ttl 63 4 bytes`},
		{"port unreachable", icmpError(t, 3, 3, 0),
			`10.30.1.1 -> 10.30.1.10 ICMP destination unreachable: port unreachable, about UDP 10.30.1.10:40000 -> 10.30.2.10:50007`},
		{"time exceeded", icmpError(t, 11, 0, 0),
			`10.30.1.1 -> 10.30.1.10 ICMP time exceeded in transit, about UDP 10.30.1.10:40000 -> 10.30.2.10:50007`},
		{"fragmentation needed", icmpError(t, 3, 4, 1400),
			`10.30.1.1 -> 10.30.1.10 ICMP destination unreachable: fragmentation needed, mtu 1400, about UDP 10.30.1.10:40000 -> 10.30.2.10:50007`},
		{"a fragment", received(t, ethernet(layers.EthernetTypeIPv4), fragment, gopacket.Payload("more of it")),
			`10.30.1.10 -> 10.30.2.10 UDP, fragment of id 4660 at offset 1480, 10 bytes, more follow`},
		{"a fragment of IPv6", received(t, ethernet(layers.EthernetTypeIPv6), ip6(layers.IPProtocolIPv6Fragment), gopacket.Payload(fragment6)),
			`2001:db8:30:1::10 -> 2001:db8:30:2::10 UDP, fragment of id 7 at offset 8, 4 bytes, more follow`},
		{"dns", dns, `10.30.1.10:40000 -> 10.30.2.10:53 UDP 29 bytes DNS query A web.example.`},
		{"another protocol", received(t, ethernet(layers.EthernetTypeIPv4), ip4(layers.IPProtocolGRE), gopacket.Payload("abc")),
			`10.30.1.10 -> 10.30.2.10 GRE 3 bytes`},
		{"not IP", received(t, ethernet(0x88cc), gopacket.Payload("abc")),
			`02:00:00:00:00:0a -> 02:00:00:00:00:0b Ethernet type 0x88cc 46 bytes`},
		{"too short", received(t, ethernet(layers.EthernetTypeIPv4), gopacket.Payload("abc")),
			`02:00:00:00:00:0a -> 02:00:00:00:00:0b Ethernet type 0x0800, malformed: Invalid (too small) IP header length (1 < 5)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, "0.000000 "+tt.want, decode(tt.f).line())
		})
	}
}

func TestAPacketWithoutALinkLayer(t *testing.T) {
	f := udpFrame(t, []byte("Hello"))
	f.data, f.headless, f.protocol = f.data[14:], true, uint16(layers.EthernetTypeIPv4)
	p := decode(f)
	assert.Equal(t, `0.000000 10.30.1.10:40000 -> 10.30.2.10:50007 UDP 5 bytes "Hello"`, p.line())
	assert.Nil(t, p.ethernet)
}

func TestASegmentThatIsYetToBeCut(t *testing.T) {
	f := segment{flags: "A", payload: string(make([]byte, 3000)), window: 1}.frame(t)
	f.segment = 1448
	assert.Contains(t, show(t, f)[0], " (to be sent as 3 packets of at most 1448)")
}

func TestOnlyWrongChecksumsAreRemarked(t *testing.T) {
	f := udpFrame(t, []byte("Hello"))
	f.data[14+20+8+4] ^= 0xff // the o, damaged on the way
	p := decode(f)
	assert.Contains(t, p.line(), `"Hell\x90" (UDP checksum wrong)`)

	f.unsummed = true
	assert.NotContains(t, decode(f).line(), "wrong")
	f.unsummed, f.cut = false, true
	assert.Contains(t, decode(f).line(), "(not all of it was captured)")
}

func TestTheClockDoesNotGoBack(t *testing.T) {
	var log nodetest.Log
	c := capture{talks: conversations{}}
	for _, ms := range []int{5, 2, 6} {
		f := udpFrame(t, nil)
		f.at = midday.Add(time.Duration(ms) * time.Millisecond)
		c.show(decode(f), node.NewEvents(&log, node.Text))
	}
	const line = " 10.30.1.10:40000 -> 10.30.2.10:50007 UDP 0 bytes\n"
	assert.Equal(t, "packet     0.000000"+line+"packet     0.000000"+line+"packet     0.001000"+line, log.String())
}
