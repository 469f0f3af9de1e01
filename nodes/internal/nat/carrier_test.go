package nat

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a carrier must be able to do (RFC 6888).

// A host has no more mappings than it may, others are not affected, and what is
// there goes on (REQ-4, REQ-11).
func TestHostMappings(t *testing.T) {
	l := newLab(t)
	c := config()
	c.HostMappings = 5
	l.apply(t, c)
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	first := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
	o := observe(t, first, remote)
	for port := uint16(4001); port < 4005; port++ {
		observe(t, listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], port)), remote)
	}
	tooMany := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 5000))
	send(t, tooMany, addrOf(remote), "one too many")
	l.until(t, "it is dropped", func(s State) bool { return s.Counters.Full == 1 })
	assert.Len(t, l.state(t).Mappings, 5)
	assert.Equal(t, o, observe(t, first, remote))
	assert.Equal(t, o, observe(t, first, listenUDP(t, l.outside, remoteAddr(1, 0))), "another flow of a mapping that is there")
	observe(t, listenUDP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], 5000)), remote)

	c.HostMappings = 0
	l.apply(t, c)
	observe(t, tooMany, remote)
	assert.Equal(t, o, observe(t, first, remote), "no mapping is lost with the limit")
}

// Some destinations see the inside as it is, the others do not (REQ-6).
func TestUntranslated(t *testing.T) {
	l := newLab(t)
	l.outside.Route(t, "10.5.1.0/24", "198.18.5.2")
	c := config()
	c.Untranslated = []netip.Prefix{netip.PrefixFrom(outsideAddr[1], 32)}
	l.apply(t, c)
	in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
	plain := listenUDP(t, l.outside, remoteAddr(1, 0))
	assert.Equal(t, addrOf(in), observe(t, in, plain))
	send(t, plain, addrOf(in), "answer")
	receive(t, in)
	assert.Equal(t, wan, observe(t, in, listenUDP(t, l.outside, remoteAddr(0, 0))).Addr())

	web := listenTCP(t, l.outside, remoteAddr(1, 0))
	from := netip.AddrPortFrom(insideAddr[0], 4001)
	assert.Equal(t, from, connect(t, l.inside[0], from, web))
	l.refuses(t, in, func() {
		send(t, listenUDP(t, l.outside, remoteAddr(1, 1)), addrOf(in), "unasked")
	})
}

// Whoever scans a port that an endpoint-independent filter leaves open is refused by
// the inside host, and keeps nothing alive (RFC 7857, Outbound Mapping Refresh and
// Error Packets); a connection that is accepted does.
func TestScan(t *testing.T) {
	l := newLab(t)
	c := config()
	c.Lifetimes.TCPClosing = 20 * time.Second
	l.apply(t, c)
	in := netip.AddrPortFrom(insideAddr[0], 4000)
	remote := listenTCP(t, l.outside, remoteAddr(0, 0))
	near, err := dialTCP(t, l.inside[0], in, remoteAddr(0, 0), patience)
	require.NoError(t, err)
	far := acceptTCP(t, remote)
	require.NoError(t, far.Close())
	require.NoError(t, near.Close())
	l.alike(t, TCP, in, c.Lifetimes.TCPClosing)
	left := func() time.Duration {
		e, ok := l.state(t).mapping(TCP, in, outsideAddr[0])
		require.True(t, ok)
		return time.Duration(e.Left)
	}
	eventually(t, "time passes", func() bool { return left() < c.Lifetimes.TCPClosing-2*time.Second })
	o := netip.AddrPortFrom(wan, 4000)
	_, err = dialTCP(t, l.outside, remoteAddr(1, 1), o, patience)
	require.ErrorContains(t, err, "connection refused", "by the inside host")
	assert.Less(t, left(), c.Lifetimes.TCPClosing-2*time.Second)

	back := listenTCP(t, l.inside[0], in)
	_, err = dialTCP(t, l.outside, remoteAddr(1, 1), o, patience)
	require.NoError(t, err)
	acceptTCP(t, back)
	eventually(t, "the mapping lives as long as the connection may", func() bool { return left() > time.Hour })
}
