package ping

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

func TestTheWay(t *testing.T) {
	a, _, _ := routed(t)
	got := call(t, a, "traceroute", "10.46.2.10")
	assert.Equal(t, outcome{0, "" +
		"traceroute 10.46.1.10 -> 10.46.2.10 datagrams to ports from 33434, at most 30 hops\n" +
		"hop        1 10.46.1.1 * ms time exceeded in transit\n" +
		"hop        2 10.46.2.10 * ms destination unreachable: port unreachable (arrived)\n", ""}, got)

	got = call(t, a, "traceroute", "10.46.2.10", "--icmp", "--probes", "2")
	assert.Equal(t, outcome{0, "" +
		"traceroute 10.46.1.10 -> 10.46.2.10 echo requests, at most 30 hops\n" +
		"hop        1 10.46.1.1 * ms * ms time exceeded in transit\n" +
		"hop        2 10.46.2.10 * ms * ms an answer (arrived)\n", ""}, got)
}

func TestAPortWhereSomebodyListens(t *testing.T) {
	a, _, b := routed(t)
	var listener net.PacketConn
	require.NoError(t, b.Do(func() (err error) {
		listener, err = net.ListenPacket("udp4", "10.46.2.10:33435")
		return err
	}))
	done := make(chan error, 1)
	go func() {
		n, from, err := listener.ReadFrom(make([]byte, 100))
		if err == nil {
			_, err = listener.WriteTo(make([]byte, n), from)
		}
		done <- err
	}()
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		require.NoError(t, <-done)
	})
	got := call(t, a, "traceroute", "10.46.2.10")
	assert.Contains(t, got.stdout, "hop        2 10.46.2.10 * ms an answer (arrived)\n")
}

func TestARouterThatIsSilent(t *testing.T) {
	a, router, _ := routed(t)
	// No answer to anything, and none of the errors either.
	router.Sysctl(t, "net/ipv4/icmp_ratelimit", "3600000")
	router.Sysctl(t, "net/ipv4/icmp_ratemask", "-1")
	spent := false
	for range 50 { // the kernel's bucket holds a few
		if got := call(t, a, "ping", "10.46.2.10", "--ttl", "1", "--count", "1", "--timeout", "20ms"); got.stderr ==
			"client: ping: no answer from 10.46.2.10: nothing within 0.02 s (--timeout)\n" {
			spent = true
			break
		}
	}
	require.True(t, spent)
	got := call(t, a, "traceroute", "10.46.2.10", "--timeout", "200ms")
	assert.Equal(t, outcome{0, "" +
		"traceroute 10.46.1.10 -> 10.46.2.10 datagrams to ports from 33434, at most 30 hops\n" +
		"hop        1 * no answer within 0.2 s\n" +
		"hop        2 10.46.2.10 * ms destination unreachable: port unreachable (arrived)\n", ""}, got)
}

func TestNotReached(t *testing.T) {
	a, router, _ := routed(t)
	impatient(t, router, "lan-b")
	got := call(t, a, "traceroute", "10.46.2.77")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stdout, "hop        2 10.46.1.1 * ms destination unreachable: host unreachable\n")
	assert.Equal(t, "client: traceroute: 10.46.2.77 cannot be reached: 10.46.1.1 says destination unreachable: host unreachable\n", got.stderr)

	got = call(t, a, "traceroute", "10.46.2.10", "--max-hops", "1")
	assert.Equal(t, "client: traceroute: 10.46.2.10 was not reached within 1 hops (--max-hops)\n", got.stderr)
}

func TestTheWayOfIPv6(t *testing.T) {
	a, router, b := nstest.New(t), nstest.New(t), nstest.New(t)
	nstest.Link(t, a, "lan", "2001:db8:46:1::10/64", router, "lan-a", "2001:db8:46:1::1/64")
	nstest.Link(t, b, "lan", "2001:db8:46:2::10/64", router, "lan-b", "2001:db8:46:2::1/64")
	a.Route(t, "2001:db8:46:2::/64", "2001:db8:46:1::1")
	b.Route(t, "2001:db8:46:1::/64", "2001:db8:46:2::1")
	router.Sysctl(t, "net/ipv6/conf/all/forwarding", "1")
	everyGroup(t, a)
	for _, args := range [][]string{{"traceroute", "2001:db8:46:2::10"}, {"traceroute", "2001:db8:46:2::10", "--icmp"}} {
		got := call(t, a, args...)
		assert.Equal(t, 0, got.status, got.stderr)
		assert.Contains(t, got.stdout, "hop        1 2001:db8:46:1::1 * ms time exceeded in transit\n")
		assert.Contains(t, got.stdout, "hop        2 2001:db8:46:2::10 * ms ")
	}
}
