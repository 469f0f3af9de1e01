package capture

import (
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// describe returns the layers of a packet, a line each and a line a field.
func describe(t *testing.T, f frame) string {
	t.Helper()
	p := decode(f)
	if p.tcp != nil {
		conversations{}.add(p)
	}
	var lines []string
	for _, l := range p.layers() {
		lines = append(lines, "== "+l.String())
		for _, f := range l.fields {
			lines = append(lines, strings.Join(strings.Fields(f.String()), " "))
		}
	}
	return strings.Join(lines, "\n")
}

func TestLayersOfASegment(t *testing.T) {
	f := segment{flags: "S", seq: 100, window: 64240, options: append(scale(7), layers.TCPOption{OptionType: layers.TCPOptionKindNop})}.frame(t)
	f.unsummed = true
	assert.Equal(t, `== frame, 60 bytes
interface lan coming in
== Ethernet, 14 bytes
destination 02:00:00:00:00:0b locally administered: made up, not a manufacturer's
source 02:00:00:00:00:0a locally administered: made up, not a manufacturer's
type 0x0800 IPv4 follows
padding 2 bytes at the end of the frame: no frame is shorter than 60
== IPv4, 20 bytes
version 4
header length 5 words of 4 bytes: 20 bytes
DSCP 0 best effort
ECN 0 the sender does not understand congestion marks (RFC 3168)
total length 44 header and 24 bytes
identification 0x1234 the same in all fragments of a packet
flag reserved 0 must be 0
flag DF 1 do not fragment
flag MF 0 the last fragment, or the only one
fragment offset 0 words of 8 bytes: at byte 0 of the packet
time to live 63 each router takes one off; at 0 the packet is dropped
protocol 6 TCP follows
header checksum 0x1249 right
source 10.30.1.10
destination 10.30.2.10
== TCP, 24 bytes
source port 40000
destination port 50007
sequence number 100 number 0 of this direction
acknowledgement 0 does not count: no ACK flag
data offset 6 words of 4 bytes: the header has 24 bytes
reserved 0
flag CWR 0
flag ECE 0
flag URG 0
flag ACK 0
flag PSH 0
flag RST 0
flag SYN 1 the sequence number is the first of this direction
flag FIN 0
window 64240 it is ready to take 64240 bytes
checksum 0x239e left to the network card; 0x239e would be right
urgent pointer 0 does not count: no URG flag
option wscale 7 its windows are in units of 128 bytes
option nop nothing: aligns the next`, describe(t, f))
}

func TestLayersOfADatagram(t *testing.T) {
	got := describe(t, udpFrame(t, []byte("Hello, wide world\x00")))
	_, got, found := strings.Cut(got, "== UDP")
	require.True(t, found)
	assert.Equal(t, `, 8 bytes
source port 40000
destination port 50007
length 26 header and 18 bytes
checksum 0x27fc right
== application, 18 bytes
bytes from 0 48 65 6c 6c 6f 2c 20 77 69 64 65 20 77 6f 72 6c Hello, wide worl
bytes from 16 64 00 d.`, got)
}

func TestLayersOfARP(t *testing.T) {
	got := describe(t, arpFrame(t, layers.ARPRequest))
	_, got, found := strings.Cut(got, "== ARP")
	require.True(t, found)
	assert.Equal(t, `, 28 bytes
hardware type 1 Ethernet
protocol type 0x0800 IPv4
hardware size 6 bytes of a link-layer address
protocol size 4 bytes of an IP address
operation 1 request: who has the target IP address?
sender link address 02:00:00:00:00:0a
sender IP address 10.30.1.10
target link address 00:00:00:00:00:00 the question: nobody knows yet
target IP address 10.30.1.1`, got)
}

func TestLayersOfAnICMPError(t *testing.T) {
	got := describe(t, icmpError(t, 3, 4, 1400))
	_, got, found := strings.Cut(got, "== ICMP")
	require.True(t, found)
	assert.Equal(t, `, 8 bytes
type 3 destination unreachable
code 4 destination unreachable: fragmentation needed
checksum 0x0ef2 right
unused 0x0000
next-hop MTU 1400 the longest packet that would fit (RFC 1191)
== quoted packet, 46 bytes
protocol 17 UDP
time to live 63 what was left of it
source 10.30.1.10:40000
destination 10.30.2.10:50007`, got)
}

func TestLayersOfAPingOfIPv6(t *testing.T) {
	got := describe(t, ping6Frame(t))
	_, got, found := strings.Cut(got, "== IPv6")
	require.True(t, found)
	assert.Equal(t, `, 40 bytes
version 6
DSCP 0 best effort
ECN 0 the sender does not understand congestion marks (RFC 3168)
flow label 0x00000 the same in all packets of a flow (RFC 6437)
payload length 12 what follows this header
next header 58 ICMPv6 follows
hop limit 63 each router takes one off; at 0 the packet is dropped
source 2001:db8:30:1::10
destination 2001:db8:30:2::10
== ICMPv6, 8 bytes
type 128 echo request
code 0 echo request
checksum 0x44ed right
identifier 5 tells the pings of two programs apart
sequence number 1
== data, 4 bytes
bytes from 0 70 69 6e 67 ping`, got)
}

func TestALongPayloadIsNotShownWhole(t *testing.T) {
	got := describe(t, udpFrame(t, make([]byte, shownBytes+100)))
	assert.Contains(t, got, "bytes from 496 ")
	assert.Contains(t, got, "bytes from 512 … 100 bytes more")
	assert.NotContains(t, got, "bytes from 528")
}

func TestChecksumStates(t *testing.T) {
	right := udpFrame(t, []byte("Hello"))
	assert.Equal(t, sumRight, decode(right).checksums()[1].state)

	unused := udpFrame(t, []byte("Hello"))
	unused.data[14+20+6], unused.data[14+20+7] = 0, 0
	assert.Equal(t, sumUnused, decode(unused).checksums()[1].state)

	wrong := udpFrame(t, []byte("Hello"))
	wrong.data[14+8] = 12 // the TTL
	sums := decode(wrong).checksums()
	assert.Equal(t, sumWrong, sums[0].state, "IPv4")
	assert.Equal(t, sumRight, sums[1].state, "UDP's does not cover the TTL")
	assert.Contains(t, sums[0].meaning(), "wrong, 0x")

	// A frame that was longer than there was room.
	long := udpFrame(t, make([]byte, 100))
	long.data, long.cut = long.data[:80], true
	assert.Equal(t, sumUnknown, decode(long).checksums()[1].state)
}

func TestFragmentsHaveNoTransportLayer(t *testing.T) {
	ip := ip4(layers.IPProtocolUDP)
	ip.FragOffset = 1
	got := describe(t, received(t, ethernet(layers.EthernetTypeIPv4), ip, gopacket.Payload("more of it")))
	assert.Contains(t, got, "fragment offset 1 words of 8 bytes: at byte 8 of the packet")
	assert.Contains(t, got, "== data, 10 bytes")
	assert.NotContains(t, got, "== UDP")
}
