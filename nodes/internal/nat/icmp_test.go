package nat

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// receiveICMP waits for a message of a type, and returns its source and itself.
func receiveICMP(tb testing.TB, c *net.IPConn, kind byte) (netip.Addr, []byte) {
	tb.Helper()
	buf := make([]byte, 1500)
	require.NoError(tb, c.SetReadDeadline(time.Now().Add(patience)))
	for {
		n, from, err := c.ReadFromIP(buf)
		require.NoError(tb, err)
		if n > 0 && buf[0] == kind {
			addr, _ := netip.AddrFromSlice(from.IP)
			return addr.Unmap(), buf[:n]
		}
	}
}

func identifier(message []byte) uint16 { return binary.BigEndian.Uint16(message[4:]) }

// Two hosts may use one identifier, for each mapping a host's identifier is the
// same towards all, and each gets its own answers (RFC 5508 REQ-1).
func TestEcho(t *testing.T) {
	for m := range Mapping(3) {
		t.Run(m.String(), func(t *testing.T) {
			l := newLab(t)
			c := config()
			c.Mapping = m
			l.apply(t, c)
			outside := listenRaw(t, l.outside, "icmp")
			seen := make(map[uint16]bool)
			for i := range l.inside {
				inside := listenRaw(t, l.inside[i], "icmp")
				var ids []uint16
				for _, to := range outsideAddr {
					sendRaw(t, inside, to, echo(icmpEcho, 7))
					from, request := receiveICMP(t, outside, icmpEcho)
					assert.Equal(t, wan, from)
					ids = append(ids, identifier(request))
					seen[identifier(request)] = true
					from, reply := receiveICMP(t, inside, 0)
					assert.Equal(t, to, from)
					assert.EqualValues(t, 7, identifier(reply))
				}
				assert.Equal(t, m == MapEndpointIndependent, ids[0] == ids[1])
			}
			assert.Len(t, seen, map[Mapping]int{MapEndpointIndependent: 2, MapAddressDependent: 4, MapAddressAndPortDependent: 4}[m])
			l.alike(t, ICMP, netip.AddrPortFrom(insideAddr[0], 7), DefaultLifetimes().ICMP)
		})
	}
}

func dialUDP(tb testing.TB, n *nstest.Namespace, from, to netip.AddrPort) *net.UDPConn {
	tb.Helper()
	var c *net.UDPConn
	require.NoError(tb, n.Do(func() (err error) {
		c, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(from), net.UDPAddrFromAddrPort(to))
		return err
	}))
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func refused(tb testing.TB, c *net.UDPConn) {
	tb.Helper()
	_, err := c.Write([]byte("anybody?"))
	require.NoError(tb, err)
	_, _, err = read(c, patience)
	require.ErrorIs(tb, err, syscall.ECONNREFUSED)
}

// ICMP errors reach the socket whose packet they are about, in both directions and
// between inside hosts, and end no mapping (RFC 4787 REQ-12; RFC 5508 REQ-3 to
// REQ-7).
func TestErrors(t *testing.T) {
	in := netip.AddrPortFrom(insideAddr[0], 4000)
	t.Run("from outside", func(t *testing.T) {
		l := newLab(t)
		l.apply(t, config())
		refused(t, dialUDP(t, l.inside[0], in, remoteAddr(0, 0)))
		l.alike(t, UDP, in, DefaultLifetimes().UDP)
	})
	t.Run("from inside", func(t *testing.T) {
		l := newLab(t)
		l.apply(t, config())
		remote := listenUDP(t, l.outside, remoteAddr(0, 0))
		c := listenUDP(t, l.inside[0], in)
		o := observe(t, c, remote)
		require.NoError(t, c.Close())
		icmp := listenRaw(t, l.outside, "icmp")
		refused(t, dialUDP(t, l.outside, remoteAddr(1, 0), o))
		from, message := receiveICMP(t, icmp, 3)
		assert.Equal(t, wan, from, "nothing of the inside shows")
		assert.Equal(t, wan.AsSlice(), message[8+16:8+20], "in the packet that it quotes, either")
	})
	t.Run("between inside hosts", func(t *testing.T) {
		l := newLab(t)
		l.apply(t, config())
		remote := listenUDP(t, l.outside, remoteAddr(0, 0))
		c := listenUDP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], 4000))
		o := observe(t, c, remote)
		require.NoError(t, c.Close())
		refused(t, dialUDP(t, l.inside[0], in, o))
	})
	t.Run("a smaller path MTU", func(t *testing.T) {
		l := newLab(t)
		l.apply(t, config())
		remote := listenUDP(t, l.outside, remoteAddr(0, 0))
		c := dialUDP(t, l.inside[0], in, remoteAddr(0, 0))
		_, err := c.Write([]byte("x"))
		require.NoError(t, err)
		_, o := receive(t, remote)
		sendRaw(t, listenRaw(t, l.outside, "icmp"), wan, tooBig(o, remoteAddr(0, 0), 1280))
		eventually(t, "the socket knows the path MTU", func() bool { return pathMTU(t, c) == 1280 })
	})
	t.Run("of no flow", func(t *testing.T) {
		l := newLab(t)
		l.apply(t, config())
		before := l.state(t).Counters.Refused
		sendRaw(t, listenRaw(t, l.outside, "icmp"), wan, tooBig(netip.AddrPortFrom(wan, 9), remoteAddr(0, 0), 1280))
		l.until(t, "it is dropped", func(s State) bool { return s.Counters.Refused == before+1 })
	})
}

// The same for TCP: an error ends no connection, and the failure of one that cannot
// be made is told (RFC 5382 REQ-9, REQ-10).
func TestErrorsTCP(t *testing.T) {
	l := newLab(t)
	l.apply(t, config())
	in := netip.AddrPortFrom(insideAddr[0], 4000)
	near, err := dialTCP(t, l.inside[0], in, listenTCP(t, l.outside, remoteAddr(0, 0)).Addr().(*net.TCPAddr).AddrPort(), patience)
	require.NoError(t, err)
	unreachable := quote(TCP, netip.AddrPortFrom(wan, 4000), remoteAddr(0, 0), 3, 0)
	icmp := listenRaw(t, l.inside[0], "icmp")
	sendRaw(t, listenRaw(t, l.outside, "icmp"), wan, unreachable)
	_, message := receiveICMP(t, icmp, 3)
	assert.Equal(t, insideAddr[0].AsSlice(), message[8+12:8+16], "it arrives translated")
	l.alike(t, TCP, in, DefaultLifetimes().TCP)
	_, err = near.Write([]byte("still here"))
	require.NoError(t, err)

	_, nowhere, err := net.ParseCIDR("203.0.113.0/24")
	require.NoError(t, err)
	require.NoError(t, l.outside.RouteAdd(&netlink.Route{Dst: nowhere, Type: unix.RTN_UNREACHABLE}))
	l.outside.Sysctl(t, "net/ipv4/ip_forward", "1")
	l.router.Route(t, "203.0.113.0/24", outsideAddr[0].String())
	_, err = dialTCP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4001), netip.MustParseAddrPort("203.0.113.1:80"), patience)
	require.ErrorIs(t, err, syscall.EHOSTUNREACH)
}

// tooBig is the ICMP error about a datagram that does not fit (RFC 1191).
func tooBig(from, to netip.AddrPort, mtu uint16) []byte { return quote(UDP, from, to, 4, mtu) }

// quote is the ICMP error "destination unreachable" about a packet.
func quote(p Protocol, from, to netip.AddrPort, code byte, mtu uint16) []byte {
	b := make([]byte, 8+20+8)
	b[0], b[1] = 3, code
	binary.BigEndian.PutUint16(b[6:], mtu)
	ip := b[8:]
	ip[0], ip[8], ip[9] = 0x45, 64, byte(p)
	binary.BigEndian.PutUint16(ip[2:], 1500)
	binary.BigEndian.PutUint16(ip[6:], 1<<14) // do not fragment
	copy(ip[12:], from.Addr().AsSlice())
	copy(ip[16:], to.Addr().AsSlice())
	binary.BigEndian.PutUint16(ip[10:], checksum(ip[:20]))
	binary.BigEndian.PutUint16(ip[20:], from.Port())
	binary.BigEndian.PutUint16(ip[22:], to.Port())
	binary.BigEndian.PutUint16(ip[24:], 1480)
	binary.BigEndian.PutUint16(b[2:], checksum(b))
	return b
}

func pathMTU(tb testing.TB, c *net.UDPConn) int {
	tb.Helper()
	raw, err := c.SyscallConn()
	require.NoError(tb, err)
	var mtu int
	require.NoError(tb, raw.Control(func(fd uintptr) {
		mtu, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU)
	}))
	require.NoError(tb, err)
	return mtu
}
