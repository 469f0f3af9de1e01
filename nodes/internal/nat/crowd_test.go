package nat

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Two hosts open 300 mappings each from the same ports and at the same time,
// each towards two remotes at once: no outside endpoint is shared, an endpoint-
// independent mapping is one for both remotes, and what is listed is what was seen.
func TestCrowd(t *testing.T) {
	const ports = 300
	for _, kind := range []Ports{PreservePorts, RandomPorts, SequentialPorts} {
		for m := range Mapping(3) {
			t.Run(kind.String()+"/"+m.String(), func(t *testing.T) {
				l := newLab(t)
				c := config()
				c.Ports, c.Mapping = kind, m
				l.apply(t, c)
				seen := l.crowd(t, ports)
				owners := make(map[netip.AddrPort]string)
				for inside, observed := range seen {
					assert.Equal(t, m == MapEndpointIndependent, observed[0] == observed[1], inside)
					for _, o := range observed {
						owner := owners[o]
						require.True(t, owner == "" || owner == inside, "%v is shared by %s and %s", o, owner, inside)
						owners[o] = inside
					}
				}
				for _, e := range l.state(t).Mappings {
					if owner, ok := owners[e.Outside]; ok {
						assert.Equal(t, e.Inside.String(), owner)
						delete(owners, e.Outside)
					}
				}
				assert.Empty(t, owners, "every mapping that was seen is listed")
			})
		}
	}
}

// crowd sends from each port of each host to two remotes, both hosts and both
// directions at once, and returns what the remotes observed, by the text that names
// the inside endpoint.
func (l *lab) crowd(t *testing.T, ports uint16) map[string][2]netip.AddrPort {
	var seen [2]map[string]netip.AddrPort
	var g errgroup.Group
	for i := range seen {
		remote := listenUDP(t, l.outside, remoteAddr(i, 0))
		roomFor(t, remote, 2*int(ports))
		g.Go(func() (err error) {
			seen[i], err = collect(remote, 2*int(ports))
			return err
		})
	}
	for host := range l.inside {
		var sockets []*net.UDPConn
		for port := range ports {
			sockets = append(sockets, listenUDP(t, l.inside[host], netip.AddrPortFrom(insideAddr[host], 10000+port)))
		}
		for i := range seen {
			g.Go(func() error {
				for _, c := range sockets {
					if _, err := c.WriteToUDPAddrPort([]byte(addrOf(c).String()), remoteAddr(i, 0)); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	require.NoError(t, g.Wait())
	both := make(map[string][2]netip.AddrPort)
	for inside, o := range seen[0] {
		both[inside] = [2]netip.AddrPort{o, seen[1][inside]}
	}
	require.Len(t, both, 2*int(ports))
	return both
}

// collect reads n datagrams, and returns their sources by their texts.
func collect(c *net.UDPConn, n int) (map[string]netip.AddrPort, error) {
	sources := make(map[string]netip.AddrPort)
	for range n {
		text, from, err := read(c, patience)
		if err != nil {
			return nil, err
		}
		sources[text] = from
	}
	return sources, nil
}

// roomFor makes a socket's buffer hold n small datagrams.
func roomFor(tb testing.TB, c *net.UDPConn, n int) {
	tb.Helper()
	raw, err := c.SyscallConn()
	require.NoError(tb, err)
	require.NoError(tb, raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 2048*n)
	}))
	require.NoError(tb, err)
}
