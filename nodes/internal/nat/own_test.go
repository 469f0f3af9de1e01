package nat

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The router may speak for itself, and be answered. Its ports are not given to
// others, and what an inside host has it does not take.
func TestRouterItself(t *testing.T) {
	l := newLab(t)
	nine(t, func(t *testing.T, m Mapping, f Filtering) {
		c := config()
		c.Mapping, c.Filtering = m, f
		l.apply(t, c)
		remote := listenUDP(t, l.outside, remoteAddr(0, 0))

		own := listenUDP(t, l.router, netip.AddrPortFrom(wan, 4000))
		assert.Equal(t, addrOf(own), observe(t, own, remote))
		in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
		assert.NotEqual(t, addrOf(own), observe(t, in, remote))
		send(t, remote, addrOf(own), "for the router")
		text, _ := receive(t, own)
		assert.Equal(t, "for the router", text)
		assert.Len(t, l.state(t).Mappings, 1, "only the inside host's is a mapping")

		first := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4001))
		o := observe(t, first, remote)
		late := listenUDP(t, l.router, netip.AddrPortFrom(wan, o.Port()))
		other := observe(t, late, remote)
		assert.NotEqual(t, o, other)
		send(t, remote, other, "for the router, too")
		text, _ = receive(t, late)
		assert.Equal(t, "for the router, too", text)
		send(t, remote, o, "for the host")
		text, _ = receive(t, first)
		assert.Equal(t, "for the host", text)
		assert.NoError(t, l.Flush())
	})
}
