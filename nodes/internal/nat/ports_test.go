package nat

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Where the inside port is taken, its parity and its side of 1024 are kept (RFC
// 4787 REQ-3a, REQ-4).
func TestPreservedPorts(t *testing.T) {
	l := newLab(t)
	l.apply(t, config())
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	for _, port := range []uint16{500, 501, 4000, 4001} {
		t.Run(fmt.Sprint(port), func(t *testing.T) {
			first := observe(t, listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], port)), remote)
			assert.Equal(t, netip.AddrPortFrom(wan, port), first)
			second := observe(t, listenUDP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], port)), remote)
			assert.NotEqual(t, first, second)
			assert.Equal(t, port%2, second.Port()%2, "parity of %d", second.Port())
			assert.Equal(t, port < 1024, second.Port() < 1024, "side of %d", second.Port())
		})
	}
}

func TestSequentialPorts(t *testing.T) {
	l := newLab(t)
	c := config()
	c.Ports = SequentialPorts
	l.apply(t, c)
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	for i := range uint16(5) {
		o := observe(t, listenUDP(t, l.inside[i%2], netip.AddrPortFrom(insideAddr[i%2], 4000+i)), remote)
		assert.Equal(t, 1024+i, o.Port())
	}
}

func TestRandomPorts(t *testing.T) {
	l := newLab(t)
	c := config()
	c.Ports = RandomPorts
	l.apply(t, c)
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	same, steps := 0, make(map[int]bool)
	var last uint16
	for i := range uint16(16) {
		port := 4000 + i
		o := observe(t, listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], port)), remote)
		if o.Port() == port {
			same++
		}
		steps[int(o.Port())-int(last)] = true
		last = o.Port()
	}
	assert.Less(t, same, 3)
	assert.Greater(t, len(steps), 12, "ports that cannot be guessed from the last")
}

// An inside address always has the same outside address, for all of its ports
// (RFC 4787 REQ-2), and hairpinning sees that one.
func TestPool(t *testing.T) {
	l := newLab(t)
	c := config()
	c.OutsideAddrs = []netip.Addr{wan, netip.MustParseAddr("198.18.5.3")}
	l.apply(t, c)
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	used := make(map[netip.Addr]bool)
	for host := range uint8(16) {
		addr := netip.AddrFrom4([4]byte{10, 5, 1, 100 + host})
		addAddr(t, l.inside[0], "eth0", addr.String()+"/24")
		first := observe(t, listenUDP(t, l.inside[0], netip.AddrPortFrom(addr, 4000)), remote)
		second := observe(t, listenUDP(t, l.inside[0], netip.AddrPortFrom(addr, 4001)), remote)
		assert.Equal(t, first.Addr(), second.Addr())
		used[first.Addr()] = true
	}
	assert.Len(t, used, 2, "both addresses are used")

	for m := range Mapping(3) {
		c.Mapping, c.Filtering = m, FilterEndpointIndependent
		l.apply(t, c)
		x1 := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 5000+uint16(m)))
		x2 := listenUDP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], 5000+uint16(m)))
		o1, o2 := observe(t, x1, remote), observe(t, x2, remote)
		send(t, x1, o2, "hairpinned")
		_, from := receive(t, x2)
		assert.Equal(t, o1.Addr(), from.Addr())
		send(t, x2, from, "answer")
		_, from = receive(t, x1)
		assert.Equal(t, o2, from)
	}
}

// When no port is free a packet is dropped and counted, and no port is shared.
func TestFullTable(t *testing.T) {
	l := newLab(t)
	l.apply(t, config())
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	const low = 1023 // the ports below 1024, which a low inside port may get
	for port := uint16(1); port <= low; port++ {
		c := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], port))
		require.Equal(t, port, observe(t, c, remote).Port())
		require.NoError(t, c.Close())
	}
	for port := uint16(1); port <= 100; port++ {
		c := listenUDP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], port))
		send(t, c, addrOf(remote), "no room")
		require.NoError(t, c.Close())
	}
	l.until(t, "the packets are counted", func(s State) bool { return s.Counters.Full == 100 })
	c := listenUDP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], 4000))
	require.EqualValues(t, 4000, observe(t, c, remote).Port(), "only what had room arrives")
}
