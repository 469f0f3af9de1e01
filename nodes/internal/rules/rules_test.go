package rules

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// relayAddrs are the addresses of the relay in the table.
func relayAddrs(a netip.Addr) (bool, error) {
	switch a.String() {
	case "198.18.22.20", "198.18.22.255", "2001:db8:22::20":
		return true, nil
	}
	return false, nil
}

// parse reads "deny 10.0.0.0/8, allow 198.18.0.0/15:80".
func parse(t testing.TB, s string) List {
	t.Helper()
	l := List{Own: relayAddrs}
	for line := range strings.SplitSeq(s, ", ") {
		verb, text, _ := strings.Cut(line, " ")
		if verb == "" {
			continue
		}
		r, err := Parse(verb == "allow", text)
		require.NoError(t, err)
		require.Equal(t, line, r.String())
		l.Rules = append(l.Rules, r)
	}
	return l
}

// TestCheck is the table of what a client can make a relay talk to.
func TestCheck(t *testing.T) {
	const allowed = ""
	for rules, addresses := range map[string]map[string]string{
		"": {
			"198.18.22.10:50007":  allowed,
			"10.0.0.1:22":         allowed,
			"[2001:db8::1]:80":    allowed,
			"127.0.0.1:80":        "loopback",
			"127.255.255.254:80":  "loopback",
			"[::1]:80":            "loopback",
			"0.0.0.0:80":          "unspecified",
			"0.1.2.3:80":          "unspecified",
			"[::]:80":             "unspecified",
			"198.18.22.20:1080":   "the relay's own address",
			"198.18.22.20:22":     "the relay's own address",
			"198.18.22.255:53":    "the relay's own address",
			"[2001:db8:22::20]:1": "the relay's own address",
			"169.254.169.254:80":  "link-local",
			"[fe80::1]:80":        "link-local",
			"[fe80::1%eth0]:80":   "link-local",
			"224.0.0.1:80":        "multicast",
			"[ff02::1]:80":        "multicast",
			"255.255.255.255:80":  "broadcast",
			// The same in other clothes.
			"[::ffff:198.18.22.10]:80":    allowed,
			"[::ffff:127.0.0.1]:80":       "loopback",
			"[::ffff:0.0.0.0]:80":         "unspecified",
			"[::ffff:198.18.22.20]:80":    "the relay's own address",
			"[::ffff:169.254.169.254]:80": "link-local",
			"[::ffff:255.255.255.255]:80": "broadcast",
			"[::127.0.0.1]:80":            "IPv4-compatible",
			"[64:ff9b::198.18.22.10]:80":  allowed,
			"[64:ff9b::127.0.0.1]:80":     "loopback",
			"[64:ff9b::198.18.22.20]:80":  "the relay's own address",
			"[2002:7f00:1::]:80":          "loopback",
			"[2002:c612:1614::1]:80":      "the relay's own address",
			"[2002:c612:160a::1]:80":      allowed,
		},
		"allow 0.0.0.0/0, allow ::/0": {
			"198.18.22.10:80":       allowed,
			"[2001:db8::1]:80":      allowed,
			"127.0.0.1:80":          "loopback",
			"[::ffff:127.0.0.1]:80": "loopback",
			"[::]:80":               "unspecified",
			"198.18.22.20:80":       "the relay's own address",
		},
		"allow 198.18.0.0/15:80": {
			"198.18.22.10:80":  allowed,
			"198.18.22.10:81":  "no rule allows it",
			"10.0.0.1:80":      "no rule allows it",
			"[2001:db8::1]:80": "no rule allows it",
			"198.18.22.20:80":  "the relay's own address",
		},
		"deny 10.0.0.0/8, deny [2001:db8::/32]:443": {
			"198.18.22.10:80":        allowed,
			"10.1.2.3:80":            "deny 10.0.0.0/8",
			"[::ffff:10.1.2.3]:80":   "deny 10.0.0.0/8",
			"[64:ff9b::10.1.2.3]:80": "deny 10.0.0.0/8",
			"[2001:db8::1]:80":       allowed,
			"[2001:db8::1]:443":      "deny [2001:db8::/32]:443",
		},
		"deny 198.18.22.10, allow 198.18.0.0/15": {
			"198.18.22.10:80": "deny 198.18.22.10",
			"198.18.22.11:80": allowed,
			"198.51.100.1:80": "no rule allows it",
		},
		"allow 127.0.0.1:8080, allow 198.18.22.20:8080": {
			"127.0.0.1:8080":          allowed,
			"[::ffff:127.0.0.1]:8080": allowed,
			"127.0.0.1:80":            "loopback",
			"127.0.0.2:8080":          "loopback",
			"198.18.22.20:8080":       allowed,
			"198.18.22.20:80":         "the relay's own address",
		},
		"deny 127.0.0.1:22, allow 127.0.0.0/8": {
			"127.0.0.1:22": "deny 127.0.0.1:22",
			"127.0.0.1:80": allowed,
			"127.9.9.9:22": allowed,
		},
	} {
		l := parse(t, rules)
		for a, want := range addresses {
			err := l.Check(netip.MustParseAddrPort(a))
			if want == allowed {
				assert.NoError(t, err, "%q %s", rules, a)
				continue
			}
			assert.ErrorIs(t, err, ErrRefused, "%q %s", rules, a)
			assert.EqualError(t, err, "not allowed by the rules: "+netip.MustParseAddrPort(a).String()+": "+want, "%q", rules)
		}
	}
	assert.ErrorIs(t, List{}.Check(netip.AddrPort{}), ErrRefused)
}

func TestWhatIsNotKnownIsNotAllowed(t *testing.T) {
	l := List{Own: func(netip.Addr) (bool, error) { return false, unix.EMFILE }}
	assert.ErrorIs(t, l.Check(netip.MustParseAddrPort("198.18.22.10:80")), unix.EMFILE)
}

func TestParseRefuses(t *testing.T) {
	for s, want := range map[string]string{
		"":                    "want CIDR or CIDR:PORT",
		"server:80":           "want CIDR or CIDR:PORT",
		"10.0.0.0/33":         "want CIDR or CIDR:PORT",
		"fe80::1%eth0":        "want CIDR or CIDR:PORT",
		"10.0.0.1/8":          "the address has bits beyond /8; write 10.0.0.0/8",
		"10.0.0.0/8:0":        `port "0" is not a number from 1 to 65535`,
		"10.0.0.0/8:http":     `port "http" is not a number from 1 to 65535`,
		"::ffff:127.0.0.1":    "write the IPv4 address itself",
		"[::ffff:0:0/96]:443": "write the IPv4 address itself",
	} {
		_, err := Parse(true, s)
		assert.ErrorContains(t, err, want, "%q", s)
	}
}

func TestFlagsKeepTheirOrder(t *testing.T) {
	var l List
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	l.AddFlags(f)
	require.NoError(t, f.Parse(strings.Fields("--deny 198.18.22.10 --allow 198.18.0.0/15 --deny=::/0")))
	var got []string
	for _, r := range l.Rules {
		got = append(got, r.String())
	}
	assert.Equal(t, []string{"deny 198.18.22.10", "allow 198.18.0.0/15", "deny ::/0"}, got)
	assert.Error(t, f.Parse([]string{"--allow", "nonsense"}))
}

// TestOwn asks a kernel with a network of its own.
func TestOwn(t *testing.T) {
	relay, other := nstest.New(t), nstest.New(t)
	nstest.Link(t, relay, "eth0", "198.18.22.20/24", other, "eth0", "198.18.22.10/24")
	relay.Route(t, "203.0.113.0/24", "198.18.22.10")
	require.NoError(t, relay.Do(func() error {
		for a, want := range map[string]bool{
			"198.18.22.20":  true,
			"198.18.22.255": true, // the network's broadcast address
			"127.5.5.5":     true,
			"::1":           true,
			"198.18.22.10":  false,
			"203.0.113.1":   false,
			"192.0.2.1":     false, // no route
			"2001:db8::1":   false,
		} {
			own, err := Own(netip.MustParseAddr(a))
			assert.NoError(t, err, a)
			assert.Equal(t, want, own, a)
		}
		return nil
	}))
}

// TestListIsAskedBeforeConnect shows what the list is there for: without it the kernel
// connects each of these to a server on this host's loopback interface.
func TestListIsAskedBeforeConnect(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	port := netip.MustParseAddrPort(l.Addr().String()).Port()
	for _, ip := range []string{"127.0.0.1", "0.0.0.0", "::ffff:127.0.0.1"} {
		a := netip.AddrPortFrom(netip.MustParseAddr(ip), port)
		c, err := net.Dial("tcp", a.String())
		require.NoError(t, err, a)
		c.Close()
		assert.True(t, errors.Is(List{}.Check(a), ErrRefused), a)
	}
}

func BenchmarkCheck(b *testing.B) {
	a := netip.MustParseAddrPort("192.0.2.1:80")
	for b.Loop() {
		_ = List{}.Check(a)
	}
}

// FuzzParse reads rules. What can be read means the same when it is written again.
func FuzzParse(f *testing.F) {
	f.Add("10.0.0.0/8:80")
	f.Add("[2001:db8::/32]:443")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := Parse(true, s)
		if err != nil {
			return
		}
		again, err := Parse(true, strings.TrimPrefix(r.String(), "allow "))
		if err != nil || again != r {
			t.Errorf("%q: %v, then %v %v", s, r, again, err)
		}
	})
}
