package portmap

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// lan is a host behind a NAT of the kernel's that maps ports, and a host outside.
type lan struct {
	host, router, far *nstest.Namespace
	log               *nodetest.Log
}

func newLAN(t *testing.T) *lan {
	l := &lan{host: nstest.New(t), router: nstest.New(t), far: nstest.New(t), log: &nodetest.Log{}}
	nstest.Link(t, l.host, "eth0", "10.16.1.10/24", l.router, "inside", "10.16.1.1/24")
	nstest.Link(t, l.far, "eth0", "198.18.16.10/24", l.router, "outside", "198.18.16.2/24")
	l.host.Route(t, "0.0.0.0/0", "10.16.1.1")
	l.router.Sysctl(t, "net/ipv4/ip_forward", "1")
	ctx, cancel := context.WithCancel(node.With(context.Background(), node.NewEvents(l.log, node.Text)))
	t.Cleanup(cancel)
	var s *Server
	var k *nat.Kernel
	require.NoError(t, l.router.Do(func() (err error) {
		if k, err = nat.Open(); err != nil {
			return err
		}
		c := nat.Default()
		c.Inside, c.Outside = []netip.Prefix{inside.Masked()}, netip.MustParsePrefix("198.18.16.0/24")
		c.Filtering = nat.FilterAddressAndPortDependent
		if _, err = k.Apply(c); err != nil {
			return err
		}
		s, err = Listen(ctx, k, Config{Inside: []netip.Prefix{inside}})
		return err
	}))
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		require.NoError(t, k.Close())
		assert.Contains(t, l.log.String(), "stopped    port mapping ")
	})
	return l
}

// client runs the command port-map on the host and returns what it prints.
func (l *lan) client(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	require.NoError(t, l.host.Do(func() error {
		status = node.Run(t.Context(), Command(), args, &out, &errs)
		return nil
	}))
	return status, out.String(), errs.String()
}

// getsIn tells whether a connection from outside to the NAT's port reaches the host.
func (l *lan) getsIn(t *testing.T, port string) bool {
	t.Helper()
	var listener net.Listener
	require.NoError(t, l.host.Do(func() (err error) { listener, err = net.Listen("tcp4", ":50007"); return err }))
	defer listener.Close()
	err := l.far.Do(func() error {
		c, err := net.DialTimeout("tcp4", "198.18.16.2:"+port, 300*time.Millisecond)
		if err == nil {
			c.Close()
		}
		return err
	})
	return err == nil
}

func TestAPortIsOpenAsLongAsItsLease(t *testing.T) {
	for _, by := range []string{byPCP, byPMP} {
		t.Run(by, func(t *testing.T) {
			l := newLAN(t)
			assert.False(t, l.getsIn(t, "8080"))
			status, out, errs := l.client(t, "--protocol", by, "tcp", "50007", "8080")
			require.Zero(t, status, errs)
			assert.Equal(t, "gateway    10.16.1.1, asked by "+by+"\noutside    198.18.16.2:8080\nlifetime   3600 s\n", out)
			assert.True(t, l.getsIn(t, "8080"))

			status, out, errs = l.client(t, "delete", "--protocol", by, "tcp", "50007")
			require.Zero(t, status, errs)
			assert.Equal(t, "gateway    10.16.1.1, asked by "+by+"\ndeleted    tcp 50007\n", out)
			assert.False(t, l.getsIn(t, "8080"))

			status, _, errs = l.client(t, "--protocol", by, "--lifetime", "1s", "tcp", "50007", "8080")
			require.Zero(t, status, errs)
			assert.True(t, l.getsIn(t, "8080"))
			l.log.Wait(t, "expired    tcp 10.16.1.10:50007 -> 198.18.16.2:8080\n")
			assert.False(t, l.getsIn(t, "8080"))
		})
	}
}

func TestResetReachesTheServer(t *testing.T) {
	l := newLAN(t)
	status, _, errs := l.client(t, "tcp", "50007")
	require.Zero(t, status, errs)
	require.NoError(t, l.router.Do(func() error { return Reset(t.Context()) }))
	assert.Contains(t, l.log.String(), "deleted    tcp 10.16.1.10:50007 -> 198.18.16.2:50007\n")
	assert.False(t, l.getsIn(t, "50007"))
	require.NoError(t, l.host.Do(func() error { return Reset(t.Context()) }), "where nobody maps ports there is nothing to do")
}

func TestTheInsideHearsOfARestart(t *testing.T) {
	l := newLAN(t)
	var c *net.UDPConn
	require.NoError(t, l.host.Do(func() (err error) {
		c, err = net.ListenUDP("udp4", &net.UDPAddr{Port: int(clients.Port())})
		return err
	}))
	defer c.Close()
	require.NoError(t, l.router.Do(func() error { return Reset(t.Context()) }))
	require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	b := make([]byte, pcpLargest)
	var pcp, pmp bool
	for !pcp || !pmp {
		n, from, err := c.ReadFromUDPAddrPort(b)
		require.NoError(t, err)
		assert.Equal(t, netip.AddrPortFrom(inside.Addr(), Port), from)
		if a, err := parsePMPResponse(b[:n]); err == nil {
			assert.Equal(t, outside, a.address)
			pmp = true
			continue
		}
		a, err := parsePCPResponse(b[:n])
		require.NoError(t, err)
		assert.EqualValues(t, pcpAnnounce, a.opcode)
		pcp = true
	}
}

func TestNoRouterToAsk(t *testing.T) {
	l := &lan{host: nstest.New(t)}
	status, _, errs := l.client(t, "tcp", "50007")
	assert.Equal(t, 1, status)
	assert.Equal(t, "port-map: port-map: this host has no default route, and so no router to ask; name one by --gateway\n", errs)
	nstest.Link(t, l.host, "eth0", "10.16.1.10/24", nstest.New(t), "eth0", "10.16.1.1/24")
	l.host.Route(t, "0.0.0.0/0", "10.16.1.1")
	status, _, errs = l.client(t, "tcp", "50007")
	assert.Equal(t, 1, status)
	assert.Equal(t, "port-map: port-map: recv: ECONNREFUSED (111) connection refused: 10.16.1.1:5351\n", errs)
}

func TestBadArguments(t *testing.T) {
	for says, args := range map[string][]string{
		`"sctp" cannot be mapped; write tcp or udp`:             {"sctp", "1"},
		`port "0" is not a number from 1 to 65535`:              {"tcp", "0"},
		`port "65536" is not a number from 1 to 65535`:          {"tcp", "1", "65536"},
		`--protocol "ftp": write pcp, nat-pmp or upnp`:          {"--protocol", "ftp", "tcp", "1"},
		`--gateway "here": write an IPv4 address`:               {"--gateway", "here", "tcp", "1"},
		`--for: NAT-PMP has no word for another host`:           {"--protocol", "nat-pmp", "--for", "10.16.1.11", "tcp", "1"},
		`--lifetime 0s: must be a second at least`:              {"--lifetime", "0s", "tcp", "1"},
		`--timeout 0s: must be more than nothing, such as 5s`:   {"--timeout", "0s", "tcp", "1"},
		`--lifetime 2562047h0m0s is too long`:                   {"--lifetime", "2562047h", "tcp", "1"},
		`accepts between 2 and 3 arg(s), received 1`:            {"tcp"},
		`accepts between 2 and 3 arg(s), received 0 (see: port`: {"delete"},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, 2, node.Run(t.Context(), Command(), args, &out, &errs), args)
		assert.Contains(t, errs.String(), says)
		assert.Empty(t, out.String())
	}
}
