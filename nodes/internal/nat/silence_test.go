package nat

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// listenRaw receives all packets of a protocol that arrive at a namespace.
func listenRaw(tb testing.TB, n *nstest.Namespace, protocol string) *net.IPConn {
	tb.Helper()
	var c *net.IPConn
	require.NoError(tb, n.Do(func() (err error) {
		c, err = net.ListenIP("ip4:"+protocol, &net.IPAddr{IP: net.IPv4zero})
		return err
	}))
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// Nothing that arrives unasked gets an answer: not from the inside, not from the
// router (RFC 5382 REQ-4).
func TestSilence(t *testing.T) {
	l := newLab(t)
	l.apply(t, config())
	icmp := listenRaw(t, l.outside, "icmp")
	tcp := listenRaw(t, l.outside, "tcp")
	udp := listenUDP(t, l.outside, remoteAddr(0, 0))
	l.outside.Route(t, "10.5.1.0/24", "198.18.5.2") // an outside that would send to the inside if it could

	attempts := map[string]func(){
		"udp": func() {
			send(t, udp, netip.AddrPortFrom(wan, 9), "x")
		},
		"udp to an inside address": func() {
			send(t, udp, netip.AddrPortFrom(insideAddr[0], 9), "x")
		},
		"tcp": func() {
			sendRaw(t, tcp, wan, tcpSegment(remoteAddr(0, 0), netip.AddrPortFrom(wan, 9), flagSYN))
		},
		"tcp to an inside address": func() {
			sendRaw(t, tcp, insideAddr[0], tcpSegment(remoteAddr(0, 0), netip.AddrPortFrom(insideAddr[0], 9), flagSYN))
		},
		"tcp in the middle": func() {
			sendRaw(t, tcp, wan, tcpSegment(remoteAddr(0, 0), netip.AddrPortFrom(wan, 9), flagACK))
		},
		"tcp that is invalid": func() {
			sendRaw(t, tcp, wan, tcpSegment(remoteAddr(0, 0), netip.AddrPortFrom(wan, 9), flagSYN|flagFIN))
		},
		"echo": func() {
			sendRaw(t, icmp, wan, echo(icmpEcho, 7))
		},
		"echo reply": func() {
			sendRaw(t, icmp, wan, echo(0, 7))
		},
	}
	for name, attempt := range attempts {
		t.Run(name, func(t *testing.T) {
			before := l.state(t).Counters
			attempt()
			l.until(t, "it is dropped", func(s State) bool {
				return s.Counters.Refused+s.Counters.Stray == before.Refused+before.Stray+1
			})
			for _, c := range []*net.IPConn{icmp, tcp} {
				require.NoError(t, c.SetReadDeadline(time.Now().Add(-time.Second)))
				_, _, err := c.ReadFromIP(make([]byte, 1500))
				assert.ErrorIs(t, err, os.ErrDeadlineExceeded, "an answer")
			}
		})
	}
}

// What is refused leaves no trace that would take a port away from the inside's own
// packet to the same remote, and a simultaneous open works (RFC 5382 REQ-2).
func TestRefusedLeavesNoTrace(t *testing.T) {
	l := newLab(t)
	nine(t, func(t *testing.T, m Mapping, f Filtering) {
		c := config()
		c.Mapping, c.Filtering = m, f
		l.apply(t, c)
		require.NoError(t, l.Flush())
		udp := listenUDP(t, l.outside, remoteAddr(0, 0))
		in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
		l.refuses(t, in, func() { send(t, udp, netip.AddrPortFrom(wan, 4000), "early") })
		assert.Equal(t, netip.AddrPortFrom(wan, 4000), observe(t, in, udp))

		before := l.state(t).Counters.Refused
		_, err := dialTCP(t, l.outside, remoteAddr(0, 0), netip.AddrPortFrom(wan, 4000), 50*time.Millisecond)
		require.Error(t, err)
		require.Equal(t, before+1, l.state(t).Counters.Refused)
		far := listenTCP(t, l.outside, remoteAddr(0, 0))
		assert.Equal(t, netip.AddrPortFrom(wan, 4000), connect(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000), far))
	})
}
