package nat

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	vnetlink "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// flowLeft is how long the flows of an inside endpoint have left to live, the
// longest of them, as connection tracking says.
func (l *lab) flowLeft(tb testing.TB, p Protocol, inside netip.AddrPort) time.Duration {
	tb.Helper()
	flows, err := l.flow.ConntrackTableList(vnetlink.ConntrackTable, unix.AF_INET)
	require.NoError(tb, err)
	var left time.Duration
	for _, f := range flows {
		src, _ := netip.AddrFromSlice(f.Forward.SrcIP)
		if p == ICMP {
			f.Forward.SrcPort = inside.Port() // which the library does not decode
		}
		if f.Forward.Protocol == uint8(p) && netip.AddrPortFrom(src.Unmap(), f.Forward.SrcPort) == inside {
			left = max(left, time.Duration(f.TimeOut)*time.Second)
		}
	}
	return left
}

// alike says that a mapping and its flow come to have the same time to live.
func (l *lab) alike(tb testing.TB, p Protocol, inside netip.AddrPort, lifetime time.Duration) {
	tb.Helper()
	near := func(d time.Duration) bool { return (d - lifetime).Abs() < 3*time.Second/2 }
	eventually(tb, fmt.Sprintf("%v lives for %v", inside, lifetime), func() bool {
		e, _ := l.state(tb).mapping(p, inside, outsideAddr[0])
		return near(time.Duration(e.Left)) && near(l.flowLeft(tb, p, inside))
	})
}

// RFC 4787 REQ-5 and RFC 5382 REQ-5, and both tables alike at every stage of a
// connection.
func TestLifetimes(t *testing.T) {
	l := newLab(t)
	d := DefaultLifetimes()
	d.TCPOpening = 5 * time.Minute // so as to tell it from closing
	c := config()
	c.Lifetimes = d
	l.apply(t, c)
	in := netip.AddrPortFrom(insideAddr[0], 4000)

	t.Run("udp", func(t *testing.T) {
		remote := listenUDP(t, l.outside, remoteAddr(0, 0))
		c := listenUDP(t, l.inside[0], in)
		o := observe(t, c, remote)
		l.alike(t, UDP, in, d.UDP)
		send(t, remote, o, "answer")
		receive(t, c)
		l.alike(t, UDP, in, d.UDP)
	})
	t.Run("tcp", func(t *testing.T) {
		remote := listenTCP(t, l.outside, remoteAddr(0, 0))
		c, err := dialTCP(t, l.inside[0], in, remoteAddr(0, 0), patience)
		require.NoError(t, err)
		far := acceptTCP(t, remote)
		l.alike(t, TCP, in, d.TCP)
		require.NoError(t, c.Close())
		l.alike(t, TCP, in, d.TCPClosing)
		require.NoError(t, far.Close())
		l.alike(t, TCP, in, d.TCPClosing)
	})
	t.Run("tcp closed by the outside", func(t *testing.T) {
		in := netip.AddrPortFrom(insideAddr[0], 4001)
		remote := listenTCP(t, l.outside, remoteAddr(0, 0))
		_, err := dialTCP(t, l.inside[0], in, remoteAddr(0, 0), patience)
		require.NoError(t, err)
		require.NoError(t, acceptTCP(t, remote).Close())
		l.alike(t, TCP, in, d.TCPClosing)
	})
	t.Run("tcp reset by the outside", func(t *testing.T) {
		in := netip.AddrPortFrom(insideAddr[0], 4002)
		remote := listenTCP(t, l.outside, remoteAddr(0, 0))
		_, err := dialTCP(t, l.inside[0], in, remoteAddr(0, 0), patience)
		require.NoError(t, err)
		far := acceptTCP(t, remote).(*net.TCPConn)
		require.NoError(t, far.SetLinger(0))
		require.NoError(t, far.Close())
		l.alike(t, TCP, in, d.TCPClosing)
	})
	t.Run("tcp never answered", func(t *testing.T) {
		in := netip.AddrPortFrom(insideAddr[0], 4003)
		_, err := dialTCP(t, l.inside[0], in, netip.MustParseAddrPort("198.18.5.99:9"), 50*time.Millisecond)
		require.Error(t, err)
		l.alike(t, TCP, in, d.TCPOpening)
	})
}

// The end of one of several connections does not shorten the life of a mapping that
// the others use.
func TestLifetimeOfSharedMapping(t *testing.T) {
	l := newLab(t)
	l.apply(t, config())
	in := netip.AddrPortFrom(insideAddr[0], 4000)
	remotes := l.tcpRemotes(t)
	first, err := dialTCP(t, l.inside[0], in, remoteAddr(0, 0), patience)
	require.NoError(t, err)
	second, err := dialTCP(t, l.inside[0], in, remoteAddr(1, 0), patience)
	require.NoError(t, err)
	require.NoError(t, second.Close())
	require.NoError(t, acceptTCP(t, remotes[1][0]).Close())
	l.alike(t, TCP, in, DefaultLifetimes().TCP)
	acceptTCP(t, remotes[0][0])
	_, err = first.Write([]byte("still here"))
	require.NoError(t, err)
	l.alike(t, TCP, in, DefaultLifetimes().TCP)
}

func brief(c *Config) time.Duration {
	c.Lifetimes.UDP = time.Second
	return c.Lifetimes.UDP
}

// A mapping ends a lifetime after the last packet from inside, no sooner, and what
// comes from outside then is refused (RFC 4787 REQ-5, REQ-6).
func TestSilenceClosesTheDoor(t *testing.T) {
	l := newLab(t)
	c := config()
	lifetime := brief(&c)
	l.apply(t, c)
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))

	var o netip.AddrPort
	var last time.Time
	for begin := time.Now(); time.Since(begin) < 2*lifetime; {
		last = time.Now()
		o = observe(t, in, remote)
		send(t, remote, o, "still open")
		receive(t, in)
	}
	l.until(t, "the mapping ends", func(s State) bool { return len(s.Mappings) == 0 })
	assert.GreaterOrEqual(t, time.Since(last), lifetime)
	assert.Less(t, time.Since(last), lifetime+c.Lifetimes.grain()+200*time.Millisecond)
	l.refuses(t, in, func() { send(t, remote, o, "too late") })
}

// What comes in does not keep a mapping alive, unless it is told to (RFC 4787
// REQ-6a).
func TestRefreshInbound(t *testing.T) {
	for _, inbound := range []bool{false, true} {
		for f := range Filtering(3) {
			t.Run(map[bool]string{false: "outbound", true: "inbound"}[inbound]+"/"+f.String(), func(t *testing.T) {
				t.Parallel()
				l := newLab(t)
				c := config()
				c.RefreshInbound, c.Filtering = inbound, f
				lifetime := brief(&c)
				l.apply(t, c)
				remote := listenUDP(t, l.outside, remoteAddr(0, 0))
				in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
				o := observe(t, in, remote)

				arrived := time.Now()
				for begin := time.Now(); time.Since(begin) < 2*lifetime+lifetime/2; {
					send(t, remote, o, "hello")
					if _, _, err := read(in, 20*time.Millisecond); err == nil {
						arrived = time.Now()
					}
				}
				s := l.state(t)
				if inbound {
					assert.Len(t, s.Mappings, 1)
					assert.Less(t, time.Since(arrived), lifetime)
				} else {
					assert.Empty(t, s.Mappings)
					assert.Greater(t, time.Since(arrived), lifetime)
				}
			})
		}
	}
}
