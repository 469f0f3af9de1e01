package capture

import (
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFilter(t *testing.T) {
	packets := map[string]frame{
		"tcp":   segment{flags: "S"}.frame(t),
		"udp":   udpFrame(t, []byte("x")),
		"arp":   arpFrame(t, layers.ARPRequest),
		"ping":  pingFrame(t),
		"ping6": ping6Frame(t),
		"error": icmpError(t, 3, 3, 0),
	}
	here := netip.MustParseAddr("10.30.1.10")
	tests := []struct {
		filter filter
		words  string
		passes []string
	}{
		{filter{}, "every packet", []string{"tcp", "udp", "arp", "ping", "ping6", "error"}},
		{filter{tcp: true}, "packets of TCP", []string{"tcp"}},
		{filter{udp: true, arp: true}, "packets of UDP or ARP", []string{"udp", "arp"}},
		{filter{icmp: true}, "packets of ICMP", []string{"ping", "ping6", "error"}},
		{filter{ports: ports{50007, 7}}, "every packet, port 50007 or 7", []string{"tcp", "udp", "error"}},
		{filter{icmp: true, ports: ports{50007}}, "packets of ICMP, port 50007", []string{"error"}},
		{filter{ports: ports{8}}, "every packet, port 8", nil},
		{filter{hosts: hosts{here}}, "every packet, host 10.30.1.10", []string{"tcp", "udp", "arp", "ping", "error"}},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.words, tt.filter.String())
		for name, f := range packets {
			want := false
			for _, p := range tt.passes {
				want = want || p == name
			}
			assert.Equal(t, want, tt.filter.match(decode(f)), "%s: %s", tt.words, name)
		}
	}
}

func TestFilterFlags(t *testing.T) {
	var p ports
	require.NoError(t, p.Set("50007"))
	require.NoError(t, p.Set("7"))
	assert.Equal(t, ports{50007, 7}, p)
	for _, bad := range []string{"0", "65536", "http", "-1"} {
		assert.EqualError(t, p.Set(bad), "must be a number from 1 to 65535")
	}
	var h hosts
	require.NoError(t, h.Set("10.1.1.10"))
	assert.EqualError(t, h.Set("host-a"), "must be an IP address, such as 10.1.1.10")
}
