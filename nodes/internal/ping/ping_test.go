package ping

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// both runs a test with a datagram socket and with a raw one: they are to say the same.
func both(t *testing.T, test func(t *testing.T, name string, flags ...string)) {
	t.Run("datagram", func(t *testing.T) { test(t, "datagram socket") })
	t.Run("raw", func(t *testing.T) { test(t, "raw socket", "--raw") })
}

// with returns a command line with more flags.
func with(flags []string, args ...string) []string { return append(args, flags...) }

func TestReplies(t *testing.T) {
	a, _, _ := routed(t)
	both(t, func(t *testing.T, name string, flags ...string) {
		got := call(t, a, with(flags, "ping", "10.46.2.10", "--interval", "1ms")...)
		assert.Equal(t, outcome{0, "" +
			"ping       10.46.1.10 -> 10.46.2.10 56 bytes of payload, ttl 64, " + name + ", id *\n" +
			"reply      10.46.2.10 seq 1 ttl 63 time * ms\n" +
			"reply      10.46.2.10 seq 2 ttl 63 time * ms\n" +
			"reply      10.46.2.10 seq 3 ttl 63 time * ms\n" +
			"result     sent: 3, answered: 3, errors: 0\n", ""}, got)
	})
}

func TestTimeExceeded(t *testing.T) {
	a, _, _ := routed(t)
	both(t, func(t *testing.T, name string, flags ...string) {
		got := call(t, a, with(flags, "ping", "10.46.2.10", "--ttl", "1", "--count", "1", "--size", "0")...)
		assert.Equal(t, outcome{1, "" +
			"ping       10.46.1.10 -> 10.46.2.10 0 bytes of payload, ttl 1, " + name + ", id *\n" +
			"error      10.46.1.1 seq 1 time exceeded in transit\n" +
			"result     sent: 1, answered: 0, errors: 1\n",
			"client: ping: no answer from 10.46.2.10: 10.46.1.1 says time exceeded in transit\n"}, got)
	})
}

func TestHostsThatAreNotThere(t *testing.T) {
	a, router, _ := routed(t)
	impatient(t, a, "lan")
	impatient(t, router, "lan-b")
	both(t, func(t *testing.T, _ string, flags ...string) {
		got := call(t, a, with(flags, "ping", "10.46.1.77", "--count", "1")...)
		assert.Equal(t, "client: ping: no answer from 10.46.1.77: 10.46.1.10 (this host) says destination unreachable: host unreachable\n", got.stderr)
		got = call(t, a, with(flags, "ping", "10.46.2.77", "--count", "1")...)
		assert.Equal(t, "client: ping: no answer from 10.46.2.77: 10.46.1.1 says destination unreachable: host unreachable\n", got.stderr)
	})
}

func TestWhatDoesNotFit(t *testing.T) {
	both(t, func(t *testing.T, name string, flags ...string) {
		a, router, b := routed(t)
		mtu(t, router, "lan-b", 1400)
		mtu(t, b, "lan", 1400)
		got := call(t, a, with(flags, "ping", "10.46.2.10", "--df", "--size", "1472", "--count", "2", "--interval", "1ms")...)
		assert.Equal(t, outcome{1, "" +
			"ping       10.46.1.10 -> 10.46.2.10 1472 bytes of payload, ttl 64, " + name + ", id *\n" +
			"error      10.46.1.1 seq 1 destination unreachable: fragmentation needed, mtu 1400\n" +
			"error      this host seq 2 EMSGSIZE (90) message too long, mtu 1400\n" +
			"result     sent: 2, answered: 0, errors: 2\n",
			"client: ping: no answer from 10.46.2.10: this host says EMSGSIZE (90) message too long, mtu 1400\n"}, got)
		got = call(t, a, with(flags, "ping", "10.46.2.10", "--size", "1472", "--count", "1")...)
		assert.Equal(t, 0, got.status, "without DF it is fragmented: %s", got.stdout)
		got = call(t, a, with(flags, "ping", "10.46.2.10", "--df", "--size", "1372", "--count", "1")...)
		assert.Equal(t, 0, got.status, "a packet of 1400 bytes passes: %s", got.stdout)
	})
}

func TestSilence(t *testing.T) {
	a, _, b := routed(t)
	b.Sysctl(t, "net/ipv4/icmp_echo_ignore_all", "1")
	both(t, func(t *testing.T, name string, flags ...string) {
		got := call(t, a, with(flags, "ping", "10.46.2.10", "--count", "2", "--timeout", "50ms", "--interval", "1ms")...)
		assert.Equal(t, outcome{1, "" +
			"ping       10.46.1.10 -> 10.46.2.10 56 bytes of payload, ttl 64, " + name + ", id *\n" +
			"timeout    seq 1 nothing within 0.05 s\n" +
			"timeout    seq 2 nothing within 0.05 s\n" +
			"result     sent: 2, answered: 0, errors: 0\n",
			"client: ping: no answer from 10.46.2.10: nothing within 0.05 s (--timeout)\n"}, got)
	})
}

func TestNoRoute(t *testing.T) {
	n := nstest.New(t)
	everyGroup(t, n)
	got := call(t, n, "ping", "10.46.2.10")
	assert.Equal(t, outcome{1, "", "client: connect: ENETUNREACH (101) network is unreachable: 10.46.2.10\n"}, got)
}

func TestIPv6(t *testing.T) {
	a, b := nstest.New(t), nstest.New(t)
	nstest.Link(t, a, "lan", "2001:db8:46:1::10/64", b, "lan", "2001:db8:46:1::11/64")
	everyGroup(t, a)
	both(t, func(t *testing.T, name string, flags ...string) {
		got := call(t, a, with(flags, "ping", "2001:db8:46:1::11", "--count", "1")...)
		assert.Equal(t, outcome{0, "" +
			"ping       2001:db8:46:1::10 -> 2001:db8:46:1::11 56 bytes of payload, ttl 64, " + name + ", id *\n" +
			"reply      2001:db8:46:1::11 seq 1 ttl 64 time * ms\n" +
			"result     sent: 1, answered: 1, errors: 0\n", ""}, got)
	})
}

func TestRefusedSockets(t *testing.T) {
	n := nstest.New(t)
	n.Sysctl(t, "net/ipv4/ping_group_range", "1 0")
	got := call(t, n, "ping", "127.0.0.1")
	assert.Equal(t, outcome{1, "", "client: socket: EACCES (13) permission denied: ICMP datagram socket " +
		"(this process's group is not in net.ipv4.ping_group_range; engines from 20.10 set it to all groups in containers; or use --raw, as root with NET_RAW)\n"}, got)

	require.NoError(t, n.Do(func() error {
		if err := dropCapabilities(); err != nil {
			return err
		}
		got = callHere(t, "ping", "127.0.0.1", "--raw")
		return nil
	}))
	assert.Equal(t, outcome{1, "", "client: socket: EPERM (1) operation not permitted: raw socket " +
		"(it needs root and the capability NET_RAW: in Compose cap_add: [NET_RAW], and no user:; without --raw none is needed)\n"}, got)
}

// dropCapabilities takes all capabilities from this thread, which has to end soon.
func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}

func TestNamesAndJSON(t *testing.T) {
	n := nstest.New(t)
	everyGroup(t, n)
	got := call(t, n, "ping", "localhost", "--count", "1", "--log", "json")
	require.Equal(t, 0, got.status, got.stderr)
	var events []string
	for line := range strings.Lines(got.stdout) {
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		events = append(events, e["event"].(string))
		if e["event"] == "reply" {
			assert.EqualValues(t, 64, e["ttl"])
			assert.EqualValues(t, 1, e["seq"])
		}
	}
	assert.Equal(t, []string{"resolved", "ping", "reply", "result"}, events)
}

func TestWrongUse(t *testing.T) {
	for args, want := range map[string]string{
		"ping 10.1.1.1 --count 0":                  "--count 0: must be from 1 to 65535",
		"ping 10.1.1.1 --ttl 256":                  "--ttl 256: must be from 1 to 255",
		"ping 10.1.1.1 --size 65508":               "--size 65508: must be from 0 to 65507",
		"ping 10.1.1.1 --timeout 0s":               "--timeout 0s: must be more than nothing, such as 1s",
		"ping 10.1.1.1:80":                         `"10.1.1.1:80": ICMP has no ports; give the address alone`,
		"ping 10.1.1.300":                          `"10.1.1.300" is neither an IP address nor a name`,
		"ping 2001:db8::zz":                        `"2001:db8::zz" is not an IPv6 address`,
		"traceroute 10.1.1.1 --probes 0":           "--probes 0: must be from 1 to 10",
		"traceroute 10.1.1.1 --port 65530":         "--port 65530: the last probe would go to port 65559; there are 65535",
		"traceroute 10.1.1.1 --max-hops 0":         "--max-hops 0: must be from 1 to 255",
		"traceroute 10.1.1.1 --timeout 1000000000": `invalid argument "1000000000" for "--timeout" flag: time: missing unit in duration "1000000000"`,
	} {
		got := callHere(t, strings.Fields(args)...)
		command, _, _ := strings.Cut(args, " ")
		assert.Equal(t, outcome{2, "", "client: " + want + " (see: client " + command + " --help)\n"}, got)
	}
}
