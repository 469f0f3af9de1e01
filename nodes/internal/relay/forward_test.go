package relay

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseForward(t *testing.T) {
	for s, want := range map[string]Forward{
		"tcp:10.4.1.20:7000=10.4.2.10:50007":    {TCP, netip.MustParseAddrPort("10.4.1.20:7000"), "10.4.2.10:50007"},
		"udp::7000=host-b:50007":                {UDP, netip.AddrPortFrom(netip.Addr{}, 7000), "host-b:50007"},
		"tcp:[2001:db8::1]:1=[2001:db8::2]:2":   {TCP, netip.MustParseAddrPort("[2001:db8::1]:1"), "[2001:db8::2]:2"},
		"tcp:[::ffff:10.4.1.20]:7000=host-b:80": {TCP, netip.MustParseAddrPort("10.4.1.20:7000"), "host-b:80"},
	} {
		got, err := ParseProtocolForward(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, got, s)
	}
}

func TestParseForwardRefuses(t *testing.T) {
	for s, want := range map[string]string{
		"10.4.1.20:7000":           "want LISTEN=TARGET",
		"10.4.1.20=host-b:1":       `listen address "10.4.1.20": want ADDRESS:PORT`,
		"2001:db8::1:1=host-b:1":   "an IPv6 address in brackets",
		"eth0:1=host-b:1":          "not an IP address",
		":0=host-b:1":              `port "0": want a number from 1 to 65535`,
		":65536=host-b:1":          `port "65536"`,
		":1=host-b:http":           `target "host-b:http": port "http"`,
		":1=host-b":                `target "host-b": want ADDRESS:PORT`,
		":1=:2":                    "no host",
		"127.0.0.1:1=127.0.0.1:1":  "the target is the relay itself",
		"127.0.0.1:1=host-b:1=x:1": "want ADDRESS:PORT",
	} {
		_, err := ParseForward(TCP, s)
		require.ErrorContains(t, err, want, s)
		assert.ErrorContains(t, err, s, "the argument is named")
	}
	_, err := ParseProtocolForward("sctp::1=host-b:1")
	assert.ErrorContains(t, err, "want tcp:LISTEN=TARGET or udp:LISTEN=TARGET")
}

func TestCheckForwards(t *testing.T) {
	tcp, _ := ParseForward(TCP, "10.4.1.20:7000=host-b:1")
	again, _ := ParseForward(TCP, "10.4.1.20:7000=host-b:2")
	udp, _ := ParseForward(UDP, "10.4.1.20:7000=host-b:1")
	assert.NoError(t, Check([]Forward{tcp, udp}))
	assert.ErrorContains(t, Check([]Forward{tcp, udp, again}), "tcp 10.4.1.20:7000 is to be listened on twice")
}
