package router

import (
	"bytes"
	"encoding/json"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// lans are two hosts and a router between them that has, as in a container, an
// address in each LAN and a default route that leads to itself.
type lans struct{ a, router, b *nstest.Namespace }

func newLANs(t *testing.T) lans {
	l := lans{nstest.New(t), nstest.New(t), nstest.New(t)}
	nstest.Link(t, l.a, "eth0", "10.250.1.10/24", l.router, "left", "10.250.1.2/24")
	nstest.Link(t, l.b, "eth0", "10.250.2.10/24", l.router, "right", "10.250.2.2/24")
	l.a.Route(t, "0.0.0.0/0", "10.250.1.1")
	l.b.Route(t, "0.0.0.0/0", "10.250.2.1")
	l.router.Route(t, "0.0.0.0/0", "10.250.1.1")
	l.router.Sysctl(t, "net/ipv4/ip_forward", "1")
	l.router.Sysctl(t, "net/ipv4/icmp_ratelimit", "0")
	return l
}

// apply runs Apply in the router and returns what it printed.
func (l lans) apply(t *testing.T, f flags) (string, error) {
	t.Helper()
	c, err := f.config()
	require.NoError(t, err)
	var out bytes.Buffer
	err = l.router.Do(func() error { return Apply(c, node.NewEvents(&out, node.Text)) })
	return out.String(), err
}

func (l lans) state(t *testing.T) State {
	t.Helper()
	var s State
	require.NoError(t, l.router.Do(func() (err error) { s, err = ReadState(); return err }))
	return s
}

// dial connects from host a and returns connect's error.
func (l lans) dial(target string) error {
	return l.a.Do(func() error {
		c, err := (&net.Dialer{Timeout: 500 * time.Millisecond}).Dial("tcp4", target)
		if err == nil {
			c.Close()
		}
		return err
	})
}

func both() flags { return flags{addresses: []string{"10.250.1.1/24", "10.250.2.1/24"}} }

func TestApplyMakesARouter(t *testing.T) {
	l := newLANs(t)
	out, err := l.apply(t, both())
	require.NoError(t, err)
	assert.Equal(t, "deleted    default route via 10.250.1.1\naddress    10.250.1.1/24 on left\naddress    10.250.2.1/24 on right\n", out)

	// Forwarded, and refused by host b itself, on which nothing listens.
	assert.ErrorIs(t, l.dial("10.250.2.10:9"), syscall.ECONNREFUSED)
	// Without a default route a router says what it does not know.
	assert.ErrorIs(t, l.dial("10.250.9.10:9"), syscall.ENETUNREACH)
	s := l.state(t)
	assert.True(t, s.Forwarding)
	for _, r := range s.Routes {
		assert.NotZero(t, r.To.Bits(), "no default route is left: %+v", s.Routes)
	}
}

func TestApplyTwiceChangesNothing(t *testing.T) {
	l := newLANs(t)
	f := both()
	f.routes, f.blackholes = []string{"10.250.7.0/24=10.250.2.10"}, []string{"10.250.8.0/24"}
	_, err := l.apply(t, f)
	require.NoError(t, err)
	before := l.state(t)
	_, err = l.apply(t, f)
	require.NoError(t, err)
	assert.Equal(t, before, l.state(t))
}

func TestRoutesThatDoNotArrive(t *testing.T) {
	l := newLANs(t)
	f := both()
	f.blackholes, f.unreachables, f.prohibits = []string{"10.250.5.0/24"}, []string{"10.250.6.0/24"}, []string{"10.250.7.0/24"}
	_, err := l.apply(t, f)
	require.NoError(t, err)
	assert.ErrorIs(t, l.dial("10.250.6.10:9"), syscall.EHOSTUNREACH)
	assert.ErrorIs(t, l.dial("10.250.7.10:9"), syscall.EHOSTUNREACH)
	var timeout net.Error
	require.ErrorAs(t, l.dial("10.250.5.10:9"), &timeout)
	assert.True(t, timeout.Timeout(), "silence")
}

func TestADefaultRouteThatIsAskedForStays(t *testing.T) {
	l := newLANs(t)
	f := both()
	f.routes = []string{"0.0.0.0/0=10.250.2.10"}
	_, err := l.apply(t, f)
	require.NoError(t, err)
	var found []netip.Addr
	for _, r := range l.state(t).Routes {
		if r.To.Bits() == 0 {
			found = append(found, *r.Via)
		}
	}
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.250.2.10")}, found)
}

func TestWhatCannotBeDoneChangesNothing(t *testing.T) {
	l := newLANs(t)
	before := l.state(t)
	for says, f := range map[string]flags{
		"no interface is in 10.99.1.0/24":              {addresses: []string{"10.250.1.1/24", "10.99.1.1/24"}},
		"10.99.1.7 is in none of this node's networks": {addresses: []string{"10.250.1.1/24"}, routes: []string{"10.98.0.0/16=10.99.1.7"}},
	} {
		_, err := l.apply(t, f)
		require.ErrorContains(t, err, says)
		assert.ErrorContains(t, err, "10.250.1.2/24", "says what there is")
		assert.Equal(t, before, l.state(t))
	}
	l.router.Sysctl(t, "net/ipv4/ip_forward", "0")
	_, err := l.apply(t, both())
	require.ErrorContains(t, err, `sysctls: {net.ipv4.ip_forward: "1"}`)
}

func TestRedirectsAreOff(t *testing.T) {
	l := newLANs(t)
	l.router.Sysctl(t, "net/ipv4/conf/left/send_redirects", "1")
	_, err := l.apply(t, both())
	require.NoError(t, err)
	for _, name := range []string{"left", "right"} {
		assert.Equal(t, "0", l.router.ReadSysctl(t, "net/ipv4/conf/"+name+"/send_redirects"))
	}
}

func TestStateAsJSON(t *testing.T) {
	l := newLANs(t)
	_, err := l.apply(t, both())
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, printJSON(&b, l.state(t)))
	var back State
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	assert.Equal(t, l.state(t), back)
}
