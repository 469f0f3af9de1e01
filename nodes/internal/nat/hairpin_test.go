package nat

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Two inside hosts that know each other's outside transport addresses meet, or not,
// as two hosts behind different NATs of the kind would, and each sees the other's
// outside transport address (RFC 4787 REQ-9a).
func TestHairpin(t *testing.T) {
	l := newLab(t)
	nine(t, func(t *testing.T, m Mapping, f Filtering) {
		c := config()
		c.Mapping, c.Filtering = m, f
		l.apply(t, c)
		require.NoError(t, l.Flush())
		server := listenUDP(t, l.outside, remoteAddr(0, 0))
		x1 := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
		x2 := listenUDP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], 4000))
		o1, o2 := observe(t, x1, server), observe(t, x2, server)

		if f == FilterEndpointIndependent {
			send(t, x1, o2, "first")
			_, from := receive(t, x2)
			assert.Equal(t, m == MapEndpointIndependent, from == o1)
			assert.Equal(t, wan, from.Addr())
		} else {
			l.refuses(t, x2, func() { send(t, x1, o2, "first") })
		}
		s1, ok := l.state(t).mapping(UDP, addrOf(x1), wan)
		require.True(t, ok, "the refused packet made a mapping all the same")

		if f == FilterAddressAndPortDependent && m != MapEndpointIndependent {
			// The answer comes from another endpoint than the one asked for.
			l.refuses(t, x1, func() { send(t, x2, s1.Outside, "answer") })
			return
		}
		send(t, x2, s1.Outside, "answer")
		text, s2 := receive(t, x1)
		assert.Equal(t, "answer", text)
		assert.Equal(t, wan, s2.Addr())
		send(t, x1, s2, "back")
		text, from := receive(t, x2)
		assert.Equal(t, "back", text)
		assert.Equal(t, s1.Outside, from)
	})
}

func TestHairpinTCP(t *testing.T) {
	l := newLab(t)
	c := config()
	c.Forwards = []Forward{{TCP, netip.AddrPortFrom(wan, 8080), netip.AddrPortFrom(insideAddr[1], 80)}}
	l.apply(t, c)
	web := listenTCP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], 80))
	conn, err := dialTCP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000), netip.AddrPortFrom(wan, 8080), patience)
	require.NoError(t, err)
	assert.Equal(t, netip.AddrPortFrom(wan, 4000), peerOf(acceptTCP(t, web)), "the external source")
	assert.Equal(t, netip.AddrPortFrom(wan, 8080), peerOf(conn))

	// A host reaches itself by its outside address, too.
	_, err = dialTCP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], 4000), netip.AddrPortFrom(wan, 8080), patience)
	require.NoError(t, err)
	assert.Equal(t, wan, peerOf(acceptTCP(t, web)).Addr())
}

func TestNoHairpin(t *testing.T) {
	l := newLab(t)
	c := config()
	c.Hairpin = false
	c.Forwards = []Forward{{TCP, netip.AddrPortFrom(wan, 8080), netip.AddrPortFrom(insideAddr[1], 80)}}
	l.apply(t, c)
	listenTCP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], 80))
	_, err := dialTCP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000), netip.AddrPortFrom(wan, 8080), patience)
	require.ErrorContains(t, err, "connection refused", "by the router itself")
}
