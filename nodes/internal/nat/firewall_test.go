package nat

import (
	"context"
	"net"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// lab6 is an inside host, a firewall, and an outside with two addresses.
type lab6 struct {
	inside, router, outside *nstest.Namespace

	*Kernel
}

var (
	inside6  = netip.MustParseAddr("2001:db8:5:1::10")
	outside6 = [2]netip.Addr{netip.MustParseAddr("2001:db8:5:ff::10"), netip.MustParseAddr("2001:db8:5:ff::11")}
)

func newLab6(tb testing.TB) *lab6 {
	tb.Helper()
	l := &lab6{nstest.New(tb), nstest.New(tb), nstest.New(tb), nil}
	for _, n := range []*nstest.Namespace{l.inside, l.router, l.outside} {
		// Addresses are valid at once, without asking whether somebody has them.
		n.Sysctl(tb, "net/ipv6/conf/default/accept_dad", "0")
		n.Sysctl(tb, "net/ipv6/conf/default/dad_transmits", "0")
	}
	nstest.Link(tb, l.router, "lan", "2001:db8:5:1::1/64", l.inside, "eth0", "2001:db8:5:1::10/64")
	nstest.Link(tb, l.router, "wan", "2001:db8:5:ff::2/64", l.outside, "eth0", "2001:db8:5:ff::10/64")
	addAddr(tb, l.outside, "eth0", "2001:db8:5:ff::11/64")
	l.inside.Route(tb, "::/0", "2001:db8:5:1::1")
	l.outside.Route(tb, "2001:db8:5:1::/64", "2001:db8:5:ff::2")
	l.router.Sysctl(tb, "net/ipv6/conf/all/forwarding", "1")
	l.Kernel = openIn(tb, l.router)
	return l
}

func firewallConfig() Firewall {
	return Firewall{
		Inside:    []netip.Prefix{netip.MustParsePrefix("2001:db8:5:1::/64")},
		Outside:   netip.MustParsePrefix("2001:db8:5:ff::/64"),
		Lifetimes: DefaultLifetimes(),
	}
}

func (l *lab6) apply(tb testing.TB, f Firewall) {
	tb.Helper()
	_, err := l.ApplyFirewall(f)
	require.NoError(tb, err)
}

func TestFirewall(t *testing.T) {
	l := newLab6(t)
	for f := range Filtering(3) {
		t.Run(f.String(), func(t *testing.T) {
			c := firewallConfig()
			c.Filtering = f
			l.apply(t, c)
			var r remotes[*net.UDPConn]
			for i := range r {
				for j := range r[i] {
					r[i][j] = listenUDP(t, l.outside, netip.AddrPortFrom(outside6[i], uint16(3478+j)))
				}
			}
			mapped := listenUDP(t, l.inside, netip.AddrPortFrom(inside6, 4000))
			filtered := listenUDP(t, l.inside, netip.AddrPortFrom(inside6, 4001))
			require.Equal(t, addrOf(mapped), observe(t, mapped, r[0][0]), "nothing is translated")
			_, got := measureUDP(t, mapped, filtered, r)
			assert.Equal(t, f, got)
			l.measureTCP(t, f)
		})
	}
}

func (l *lab6) measureTCP(t *testing.T, want Filtering) {
	in := netip.AddrPortFrom(inside6, 4002)
	back := listenTCP(t, l.inside, in)
	far := listenTCP(t, l.outside, netip.AddrPortFrom(outside6[0], 3478))
	require.Equal(t, in, connect(t, l.inside, in, far))
	comesIn := func(from netip.AddrPort) bool {
		ok := comesIn(t, l.outside, from, in, func() uint64 { return l.state(t).Counters.Refused })
		if ok {
			acceptTCP(t, back)
		}
		return ok
	}
	assert.Equal(t, want == FilterEndpointIndependent, comesIn(netip.AddrPortFrom(outside6[1], 3479)))
	assert.Equal(t, want != FilterAddressAndPortDependent, comesIn(netip.AddrPortFrom(outside6[0], 3479)))
}

func (l *lab6) state(tb testing.TB) FirewallState {
	tb.Helper()
	s, err := l.ShowFirewall()
	require.NoError(tb, err)
	return s
}

func TestFirewallStaysShut(t *testing.T) {
	l := newLab6(t)
	_, err := l.ShowFirewall()
	require.ErrorIs(t, err, ErrNone)
	c := firewallConfig()
	c.Pinholes = []Pinhole{{TCP, netip.AddrPortFrom(inside6, 80)}}
	l.apply(t, c)
	refused := func() uint64 { return l.state(t).Counters.Refused }
	web := listenTCP(t, l.inside, netip.AddrPortFrom(inside6, 80))
	listenTCP(t, l.inside, netip.AddrPortFrom(inside6, 81))
	from := netip.AddrPortFrom(outside6[0], 5000)
	assert.True(t, comesIn(t, l.outside, from, netip.AddrPortFrom(inside6, 80), refused), "a pinhole")
	acceptTCP(t, web)
	assert.False(t, comesIn(t, l.outside, from, netip.AddrPortFrom(inside6, 81), refused), "none")
	assert.False(t, comesIn(t, l.outside, from, netip.MustParseAddrPort("[2001:db8:5:ff::2]:81"), refused), "the router")

	// What is open shows, and a restart closes it.
	in := listenUDP(t, l.inside, netip.AddrPortFrom(inside6, 4000))
	remote := listenUDP(t, l.outside, from)
	observe(t, in, remote)
	s := l.state(t)
	require.Len(t, s.Open, 2, "the answer from the pinhole opens it likewise")
	assert.InDelta(t, 5*time.Minute, time.Duration(s.Open[1].Left), float64(2*time.Second))
	s.Open[1].Left = 0
	assert.Equal(t, Opening{Protocol: UDP, Inside: addrOf(in)}, s.Open[1])
	require.NoError(t, l.FlushFirewall())
	assert.Empty(t, l.state(t).Open)
	before := refused()
	send(t, remote, addrOf(in), "too late")
	eventually(t, "it is refused", func() bool { return refused() == before+1 })
	require.NoError(t, l.RemoveFirewall())
	send(t, remote, addrOf(in), "open house")
	text, _ := receive(t, in)
	assert.Equal(t, "open house", text)
}

// Echo requests come in, and errors come back (RFC 4890 section 4.3.1).
func TestFirewallICMP(t *testing.T) {
	l := newLab6(t)
	c := firewallConfig()
	c.Filtering = FilterAddressAndPortDependent
	l.apply(t, c)
	refused(t, dialUDP(t, l.inside, netip.AddrPortFrom(inside6, 4000), netip.AddrPortFrom(outside6[0], 9)))

	var ping net.PacketConn
	require.NoError(t, l.outside.Do(func() (err error) {
		ping, err = (&net.ListenConfig{}).ListenPacket(context.Background(), "ip6:ipv6-icmp", "::")
		return err
	}))
	defer ping.Close()
	// The kernel fills in the checksum.
	_, err := ping.WriteTo([]byte{128, 0, 0, 0, 0, 7, 0, 1}, &net.IPAddr{IP: inside6.AsSlice()})
	require.NoError(t, err)
	require.NoError(t, ping.SetReadDeadline(time.Now().Add(patience)))
	for buf := make([]byte, 1500); ; {
		_, from, err := ping.ReadFrom(buf)
		require.NoError(t, err)
		if buf[0] == 129 && from.String() == inside6.String() {
			return
		}
	}
}

func TestFirewallLists(t *testing.T) {
	l := newLab6(t)
	links, err := l.Links()
	require.NoError(t, err)
	for f := range Filtering(3) {
		for _, pinholes := range [][]Pinhole{nil, {{UDP, netip.AddrPortFrom(inside6, 53)}}, {{TCP, netip.AddrPortFrom(inside6, 53)}}} {
			c := firewallConfig()
			c.Filtering, c.Pinholes = f, pinholes
			plan, err := c.Plan(links)
			require.NoError(t, err)
			want := BuildFirewall(plan)
			sets := make(map[string]Set)
			for _, s := range want.Sets {
				sets[s.Name] = s
			}
			for _, chain := range want.Chains {
				for _, rule := range chain.Rules {
					checkRule(t, chain.Name+": "+rule.Comment, rule, sets)
				}
			}
			changed, err := l.ApplyFirewall(c)
			require.NoError(t, err)
			require.True(t, changed)
			have, err := l.read(want.Family, want.Table)
			require.NoError(t, err)
			require.True(t, reflect.DeepEqual(canonical(want), have))
			changed, err = l.ApplyFirewall(c)
			require.NoError(t, err)
			require.False(t, changed)
			assert.Equal(t, c, l.state(t).Firewall)
		}
	}
}

func TestFirewallFaults(t *testing.T) {
	for want, alter := range map[string]func(f *Firewall){
		"filtering 3 does not exist":                                               func(f *Firewall) { f.Filtering = 3 },
		"no inside subnet is given":                                                func(f *Firewall) { f.Inside = nil },
		"inside 10.5.1.0/24: no interface has an IPv6 address in it":               func(f *Firewall) { f.Inside[0] = netip.MustParsePrefix("10.5.1.0/24") },
		"outside 2001:db8:9::/64: no interface has an IPv6 address in it":          func(f *Firewall) { f.Outside = netip.MustParsePrefix("2001:db8:9::/64") },
		"inside 2001:db8:5:ff::/64: on the outside interface eth1":                 func(f *Firewall) { f.Inside[0] = f.Outside },
		"pinhole tcp:[2001:db8:9::1]:80: 2001:db8:9::1 is not in an inside subnet": func(f *Firewall) { f.Pinholes = []Pinhole{{TCP, netip.MustParseAddrPort("[2001:db8:9::1]:80")}} },
	} {
		f := firewallConfig()
		alter(&f)
		_, err := f.Plan(append(testLinks(), Link{"eth1", []netip.Prefix{netip.MustParsePrefix("2001:db8:5:ff::2/64")}}))
		assert.EqualError(t, err, want)
	}
	for text, want := range map[string]string{
		"icmp:[::1]:1": `pinhole "icmp:[::1]:1": "icmp" has no ports; write tcp or udp`,
		"tcp:::1":      `pinhole "tcp:::1": write tcp:[2001:db8:5:1::10]:80`,
	} {
		_, err := ParsePinhole(text)
		assert.EqualError(t, err, want)
	}
}
