package nat

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What does not fit the link to the outside is sent in fragments, or, if it must
// not be, refused with an error that reaches its socket (RFC 4787 REQ-13).
func TestSmallerLink(t *testing.T) {
	l := newLab(t)
	l.apply(t, config())
	require.NoError(t, l.router.LinkSetMTU(linkOf(t, l.router, "wan"), 1000))
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	text := strings.Repeat("x", 1200)

	c := dialUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000), remoteAddr(0, 0))
	setOption(t, c, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
	_, err := c.Write([]byte(text))
	require.NoError(t, err)
	got, _ := receive(t, remote)
	assert.Equal(t, text, got)

	c = dialUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4001), remoteAddr(0, 0))
	setOption(t, c, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
	_, err = c.Write([]byte(text))
	require.NoError(t, err)
	eventually(t, "the socket knows the path MTU", func() bool { return pathMTU(t, c) == 1000 })
	_, err = c.Write([]byte(text))
	require.ErrorIs(t, err, unix.EMSGSIZE)
}

// A packet whose time is up at the router, or behind it, says so to the inside: a
// traceroute passes (RFC 5508 REQ-4, REQ-10).
func TestTimeExceeded(t *testing.T) {
	l := newLab(t)
	l.apply(t, config())
	const beyond = "203.0.113.0/24"
	l.router.Route(t, beyond, outsideAddr[0].String())
	l.outside.Route(t, beyond, "198.18.5.99")
	l.outside.Sysctl(t, "net/ipv4/ip_forward", "1")
	icmp := listenRaw(t, l.inside[0], "icmp")
	for i, hop := range []netip.Addr{netip.MustParseAddr("10.5.1.1"), outsideAddr[0]} {
		c := dialUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000+uint16(i)), netip.MustParseAddrPort("203.0.113.1:33434"))
		setOption(t, c, unix.IP_TTL, i+1)
		_, err := c.Write([]byte("x"))
		require.NoError(t, err)
		from, message := receiveICMP(t, icmp, 11)
		assert.Equal(t, hop, from)
		assert.Equal(t, insideAddr[0].AsSlice(), message[8+12:8+16], "the packet as the inside sent it")
	}
}

func setOption(tb testing.TB, c *net.UDPConn, option, value int) {
	tb.Helper()
	raw, err := c.SyscallConn()
	require.NoError(tb, err)
	require.NoError(tb, raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, option, value)
	}))
	require.NoError(tb, err)
}
