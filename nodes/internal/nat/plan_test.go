package nat

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testLinks() []Link {
	return []Link{
		{"lo", []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}},
		{"eth1", []netip.Prefix{netip.MustParsePrefix("198.18.5.2/24"), netip.MustParsePrefix("198.18.5.3/24")}},
		{"eth0", []netip.Prefix{netip.MustParsePrefix("10.5.1.1/24"), netip.MustParsePrefix("2001:db8:5:1::1/64")}},
	}
}

func forward(tb testing.TB, s string) Forward {
	tb.Helper()
	f, err := ParseForward(s)
	require.NoError(tb, err)
	return f
}

func TestPlan(t *testing.T) {
	c := config()
	c.Forwards = []Forward{forward(t, "udp:53=10.5.1.10:53"), forward(t, "tcp:198.18.5.2:8080=10.5.1.10:80")}
	p, err := c.Plan(testLinks())
	require.NoError(t, err)
	assert.Equal(t, "eth1", p.OutsideLink)
	assert.Equal(t, []string{"eth0"}, p.InsideLinks)
	assert.Equal(t, []netip.Addr{wan}, p.OutsideAddrs)
	assert.Equal(t, []Forward{forward(t, "tcp:198.18.5.2:8080=10.5.1.10:80"), forward(t, "udp:198.18.5.2:53=10.5.1.10:53")}, p.Forwards)
	assert.Equal(t, "udp:53=10.5.1.10:53", c.Forwards[0].String(), "the Config is left as it was")
}

func TestLifetimesSet(t *testing.T) {
	l := DefaultLifetimes()
	require.NoError(t, l.Set("udp=3s,tcp=3s,tcp-transitory=2s"))
	assert.Equal(t, Lifetimes{UDP: 3 * time.Second, TCP: 3 * time.Second, TCPOpening: 2 * time.Second, TCPClosing: 2 * time.Second, ICMP: time.Minute}, l)
	require.NoError(t, l.Set("tcp-opening=3s"))
	assert.Equal(t, "udp=3s,tcp=3s,tcp-opening=3s,tcp-closing=2s,icmp=1m0s", l.String())
}

// One clear line per fault.
func TestPlanFaults(t *testing.T) {
	for _, test := range []struct {
		alter func(c *Config)
		want  string
	}{
		{func(c *Config) { c.Mapping = 3 }, "mapping 3 does not exist"},
		{func(c *Config) { c.Filtering = 7 }, "filtering 7 does not exist"},
		{func(c *Config) { c.Permission = 2 }, "permission 2 does not exist"},
		{func(c *Config) { c.Ports = 3 }, "port preservation 3 does not exist"},
		{func(c *Config) { c.Inside = nil }, "no inside subnet is given"},
		{func(c *Config) { c.Inside[0] = netip.MustParsePrefix("10.9.1.0/24") }, "inside 10.9.1.0/24: no interface has an address in it"},
		{func(c *Config) { c.Inside[0] = netip.MustParsePrefix("2001:db8::/32") }, "inside 2001:db8::/32: not an IPv4 subnet"},
		{func(c *Config) { c.Inside[0] = netip.MustParsePrefix("198.18.5.0/25") }, "inside 198.18.5.0/25: on the outside interface eth1"},
		{func(c *Config) { c.Inside[0] = netip.MustParsePrefix("0.0.0.0/0") }, "inside 0.0.0.0/0: overlaps the outside subnet 198.18.5.0/24"},
		{func(c *Config) { c.Outside = netip.Prefix{} }, "outside invalid Prefix: not an IPv4 subnet"},
		{func(c *Config) { c.Outside = netip.MustParsePrefix("192.0.2.0/24") }, "outside 192.0.2.0/24: no interface has an address in it"},
		{func(c *Config) { c.OutsideAddrs = []netip.Addr{netip.MustParseAddr("198.18.5.9")} }, "outside address 198.18.5.9: interface eth1 does not have it"},
		{func(c *Config) { c.OutsideAddrs = []netip.Addr{wan, wan} }, "outside address 198.18.5.2: given twice"},
		{func(c *Config) { c.Lifetimes.UDP = 0 }, "lifetime udp=0s: not whole seconds between 1s and 576h0m0s"},
		{func(c *Config) { c.Lifetimes.ICMP = 1500 * time.Millisecond }, "lifetime icmp=1.5s: not whole seconds between 1s and 576h0m0s"},
		{func(c *Config) { c.Lifetimes.TCP = time.Second }, "lifetime tcp=1s is shorter than tcp-opening=4m0s or tcp-closing=4m0s"},
		{func(c *Config) { c.Forwards = []Forward{forward(t, "tcp:80=10.9.1.10:80")} }, "forward tcp:198.18.5.2:80=10.9.1.10:80: 10.9.1.10 is not in an inside subnet"},
		{func(c *Config) { c.Forwards = []Forward{forward(t, "tcp:192.0.2.1:80=10.5.1.10:80")} }, "forward tcp:192.0.2.1:80=10.5.1.10:80: 192.0.2.1 is not an outside address"},
		{func(c *Config) {
			c.Forwards = []Forward{forward(t, "tcp:80=10.5.1.10:80"), forward(t, "tcp:80=10.5.1.11:80")}
		}, "forward tcp:198.18.5.2:80=10.5.1.11:80: the port is taken by forward tcp:198.18.5.2:80=10.5.1.10:80"},
	} {
		t.Run(test.want, func(t *testing.T) {
			c := config()
			test.alter(&c)
			_, err := c.Plan(testLinks())
			require.EqualError(t, err, test.want)
		})
	}
}

func TestText(t *testing.T) {
	c := config()
	c.Mapping, c.Filtering, c.Permission, c.Ports = MapAddressDependent, FilterAddressAndPortDependent, PermitByEndpoint, SequentialPorts
	c.Forwards = []Forward{forward(t, "udp:53=10.5.1.10:53")}
	text, err := json.Marshal(c)
	require.NoError(t, err)
	assert.JSONEq(t, `{"inside": ["10.5.1.0/24"], "outside": "198.18.5.0/24",
		"mapping": "address-dependent", "filtering": "address-and-port-dependent", "permission": "endpoint", "ports": "sequential",
		"hairpin": true, "lifetimes": "udp=5m0s,tcp=2h4m0s,tcp-opening=4m0s,tcp-closing=4m0s,icmp=1m0s", "refresh_inbound": false,
		"forwards": ["udp:53=10.5.1.10:53"]}`, string(text))
	var back Config
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, c, back)
}

func TestTextFaults(t *testing.T) {
	for text, want := range map[string]string{
		`{"mapping": "full-cone"}`:              `mapping "full-cone" does not exist; write endpoint-independent, address-dependent or address-and-port-dependent`,
		`{"filtering": ""}`:                     `filtering "" does not exist; write endpoint-independent, address-dependent or address-and-port-dependent`,
		`{"permission": "x"}`:                   `permission "x" does not exist; write mapping or endpoint`,
		`{"ports": "x"}`:                        `port preservation "x" does not exist; write preserve, random or sequential`,
		`{"lifetimes": "udp"}`:                  `lifetime "udp": write udp=5m, tcp=2h4m, tcp-opening=4m, tcp-closing=4m or icmp=60s`,
		`{"lifetimes": "sctp=5m"}`:              `lifetime "sctp=5m": "sctp" is none of udp, tcp, tcp-opening, tcp-closing, icmp`,
		`{"forwards": ["8080"]}`:                `forward "8080": write tcp:8080=10.5.1.10:80`,
		`{"forwards": ["icmp:1=10.5.1.10:80"]}`: `forward "icmp:1=10.5.1.10:80": "icmp" cannot be forwarded; write tcp or udp`,
		`{"forwards": ["tcp:0=10.5.1.10:80"]}`:  `forward "tcp:0=10.5.1.10:80": outside port "0"; write tcp:8080=10.5.1.10:80`,
		`{"forwards": ["tcp:80=10.5.1.10"]}`:    `forward "tcp:80=10.5.1.10": inside address "10.5.1.10"; write tcp:8080=10.5.1.10:80`,
		`{"forwards": ["tcp:80=10.5.1.10:0"]}`:  `forward "tcp:80=10.5.1.10:0": inside address "10.5.1.10:0"; write tcp:8080=10.5.1.10:80`,
	} {
		t.Run(text, func(t *testing.T) {
			var c Config
			err := json.Unmarshal([]byte(text), &c)
			require.ErrorContains(t, err, want)
		})
	}
}
