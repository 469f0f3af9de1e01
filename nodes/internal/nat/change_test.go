package nat

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The inside may speak again on a flow that packets from outside kept alive beyond
// its mapping: the mapping is there again, with the port that it had.
func TestFlowOutlivesMapping(t *testing.T) {
	nine(t, func(t *testing.T, m Mapping, f Filtering) {
		if int(m) != int(f) {
			return // three of the nine have each mapping and each filtering
		}
		t.Parallel()
		l := newLab(t)
		c := config()
		c.Mapping, c.Filtering, c.Ports = m, f, RandomPorts
		c.Lifetimes.UDP = 2 * time.Second
		l.apply(t, c)
		remote := listenUDP(t, l.outside, remoteAddr(0, 0))
		in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
		o := observe(t, in, remote)
		for begin := time.Now(); time.Since(begin) < 3*c.Lifetimes.UDP/4; {
			send(t, remote, o, "only from outside")
			receive(t, in)
		}
		l.until(t, "the mapping ends", func(s State) bool { return len(s.Mappings) == 0 })
		require.Equal(t, o, observe(t, in, remote))
		send(t, remote, o, "answer")
		text, _ := receive(t, in)
		require.Equal(t, "answer", text)
		e, ok := l.state(t).mapping(UDP, addrOf(in), outsideAddr[0])
		require.True(t, ok)
		assert.Equal(t, o, e.Outside)
	})
}

// A connection goes on through every change, and a change of kind takes less than
// 50 ms of a machine that has nothing else to do: the quickest of several is what it
// costs.
func TestChange(t *testing.T) {
	l := newLab(t)
	c := config()
	l.apply(t, c)
	remote := listenTCP(t, l.outside, remoteAddr(0, 0))
	near, err := dialTCP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000), remoteAddr(0, 0), patience)
	require.NoError(t, err)
	far := acceptTCP(t, remote)

	quickest := time.Hour
	change := func(alter func(c *Config)) {
		alter(&c)
		begin := time.Now()
		changed, err := l.Apply(c)
		quickest = min(quickest, time.Since(begin))
		require.NoError(t, err)
		require.True(t, changed)
		current, err := l.Current()
		require.NoError(t, err)
		assert.Equal(t, c.Filtering, current.Filtering)
		_, err = near.Write([]byte("hello"))
		require.NoError(t, err)
		require.NoError(t, far.SetReadDeadline(time.Now().Add(patience)))
		n, err := far.Read(make([]byte, 64))
		require.NoError(t, err)
		require.Equal(t, 5, n)
	}
	change(func(c *Config) { c.Filtering = FilterAddressDependent })
	change(func(c *Config) { c.Filtering = FilterAddressAndPortDependent })
	change(func(c *Config) { c.Permission = PermitByEndpoint })
	change(func(c *Config) { c.Hairpin = false })
	change(func(c *Config) { c.Ports = RandomPorts })
	change(func(c *Config) { c.RefreshInbound = true })
	assert.Len(t, l.state(t).Mappings, 1)
	change(func(c *Config) { c.Mapping = MapAddressDependent; c.Ports = PreservePorts })
	assert.Less(t, quickest, 50*time.Millisecond)
	t.Logf("the quickest change took %v", quickest)
}

func TestForwards(t *testing.T) {
	l := newLab(t)
	nine(t, func(t *testing.T, m Mapping, f Filtering) {
		c := config()
		c.Mapping, c.Filtering = m, f
		c.Forwards = nil
		l.apply(t, c)
		require.NoError(t, l.Flush())
		web := listenTCP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 80))
		game := listenUDP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], 27015))
		remote := listenUDP(t, l.outside, remoteAddr(0, 0))
		observe(t, game, remote) // has a mapping already

		c.Forwards = []Forward{
			{TCP, netip.AddrPortFrom(wan, 8080), netip.AddrPortFrom(insideAddr[0], 80)},
			{UDP, netip.AddrPortFrom(wan, 27016), netip.AddrPortFrom(insideAddr[1], 27015)},
		}
		l.apply(t, c)
		_, err := dialTCP(t, l.outside, remoteAddr(1, 1), netip.AddrPortFrom(wan, 8080), patience)
		require.NoError(t, err)
		assert.Equal(t, remoteAddr(1, 1), peerOf(acceptTCP(t, web)), "the outside's own address")
		other := listenUDP(t, l.outside, remoteAddr(1, 0))
		send(t, other, netip.AddrPortFrom(wan, 27016), "hello")
		_, from := receive(t, game)
		send(t, game, from, "answer")
		_, from = receive(t, other)
		assert.Equal(t, netip.AddrPortFrom(wan, 27016), from)
		if m == MapEndpointIndependent {
			third := listenUDP(t, l.outside, remoteAddr(1, 1))
			assert.Equal(t, netip.AddrPortFrom(wan, 27016), observe(t, game, third), "also for what it begins itself")
		}
		// Its port is nobody else's.
		squatter := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 27016))
		assert.NotEqual(t, uint16(27016), observe(t, squatter, remote).Port())

		c.Forwards = c.Forwards[:1]
		l.apply(t, c)
		l.refuses(t, game, func() {
			send(t, listenUDP(t, l.outside, netip.AddrPortFrom(outsideAddr[1], 9999)), netip.AddrPortFrom(wan, 27016), "gone")
		})
	})
}

func TestForwardOnTakenPort(t *testing.T) {
	l := newLab(t)
	c := config()
	l.apply(t, c)
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
	observe(t, in, remote)
	c.Forwards = []Forward{{UDP, netip.AddrPortFrom(wan, 4000), netip.AddrPortFrom(insideAddr[1], 80)}}
	_, err := l.Apply(c)
	require.ErrorContains(t, err, "forward udp:198.18.5.2:4000=10.5.1.11:80: the port is taken by the mapping of 10.5.1.10:4000 for another ")
	assert.Empty(t, l.state(t).Config.Forwards)
}

// Under either view a remote comes in by the mapping over which it was sent to; by
// another mapping of the same endpoint only where permission is the endpoint's
// (RFC 4787 section 5).
func TestPermission(t *testing.T) {
	l := newLab(t)
	nine(t, func(t *testing.T, m Mapping, f Filtering) {
		if f == FilterEndpointIndependent || m == MapEndpointIndependent {
			return // no permission, or no second mapping
		}
		for _, p := range []Permission{PermitByMapping, PermitByEndpoint} {
			t.Run(p.String(), func(t *testing.T) {
				c := config()
				c.Mapping, c.Filtering, c.Permission = m, f, p
				l.apply(t, c)
				require.NoError(t, l.Flush())
				first := listenUDP(t, l.outside, remoteAddr(0, 0))
				second := listenUDP(t, l.outside, remoteAddr(1, 0))
				in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
				o1, o2 := observe(t, in, first), observe(t, in, second)
				require.NotEqual(t, o1, o2)
				send(t, second, o2, "by its own mapping")
				receive(t, in)
				if p == PermitByMapping {
					l.refuses(t, in, func() { send(t, second, o1, "by another") })
					return
				}
				send(t, second, o1, "by another")
				receive(t, in)
			})
		}
	})
}

// Two hosts that connect to each other at the same time are connected, though the
// first packet is refused (RFC 5382 REQ-2).
func TestSimultaneousOpen(t *testing.T) {
	l := newLab(t)
	nine(t, func(t *testing.T, m Mapping, f Filtering) {
		c := config()
		c.Mapping, c.Filtering = m, f
		l.apply(t, c)
		require.NoError(t, l.Flush())
		before := l.state(t).Counters.Refused
		far := make(chan error, 1)
		go func() {
			_, err := dialTCP(t, l.outside, remoteAddr(0, 0), netip.AddrPortFrom(wan, 4000), patience)
			far <- err
		}()
		l.until(t, "the outside's SYN is refused", func(s State) bool { return s.Counters.Refused > before })
		near, err := dialTCP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000), remoteAddr(0, 0), patience)
		require.NoError(t, err)
		assert.Equal(t, remoteAddr(0, 0), peerOf(near))
		require.NoError(t, <-far)
	})
}
