package punch_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// home is a host behind a NAT of its own.
type home struct {
	host, router *nstest.Namespace
	inside       []string // its LANs
	n            int

	*nat.Kernel
}

// lab is two homes, with a rendezvous between them.
type lab struct {
	homes  [2]home
	middle *nstest.Namespace
	server addr.Remote
	log    nodetest.Log // the rendezvous'
	stop   func()       // ends the rendezvous
}

func newLab(t testing.TB) *lab {
	return newLabWith(t, rendezvous.DefaultConfig())
}

func newLabWith(t testing.TB, c rendezvous.Config) *lab {
	l := &lab{middle: nstest.New(t)}
	l.middle.Sysctl(t, "net/ipv4/ip_forward", "1")
	for i := range l.homes {
		l.homes[i] = l.home(t, i+1)
	}
	l.server = addr.Remote{Host: "198.18.1.1", Port: rendezvous.DefaultPort}
	l.serve(t, c)
	return l
}

func (l *lab) home(t testing.TB, n int) home {
	host, router := nstest.New(t), nstest.New(t)
	nstest.Link(t, router, "lan", fmt.Sprintf("10.5.%d.1/24", n), host, "eth0", fmt.Sprintf("10.5.%d.10/24", n))
	nstest.Link(t, router, "wan", fmt.Sprintf("198.18.%d.2/24", n), l.middle, fmt.Sprintf("net%d", n), fmt.Sprintf("198.18.%d.1/24", n))
	host.Route(t, "0.0.0.0/0", fmt.Sprintf("10.5.%d.1", n))
	router.Route(t, "0.0.0.0/0", fmt.Sprintf("198.18.%d.1", n))
	router.Sysctl(t, "net/ipv4/ip_forward", "1")
	h := home{host: host, router: router, inside: []string{fmt.Sprintf("10.5.%d.0/24", n)}, n: n}
	require.NoError(t, router.Do(func() (err error) {
		h.Kernel, err = nat.Open()
		return err
	}))
	t.Cleanup(func() { _ = h.Kernel.Close() })
	return h
}

// serve runs a rendezvous between the homes until the test ends, or stop is called.
func (l *lab) serve(t testing.TB, c rendezvous.Config) {
	t.Helper()
	ctx := node.With(context.Background(), node.NewEvents(&l.log, node.Text))
	var s *rendezvous.Server
	require.NoError(t, l.middle.Do(func() (err error) {
		s, err = rendezvous.Listen(ctx, c)
		return err
	}))
	l.stop = nodetest.Serve(ctx, t, s.Serve)
}

// natKind is the kind of a NAT.
type natKind struct {
	m nat.Mapping
	f nat.Filtering
}

func (h home) become(t testing.TB, k natKind, p nat.Permission) {
	t.Helper()
	h.becomeWith(t, k, p, nat.PreservePorts)
}

func (h home) becomeWith(t testing.TB, k natKind, p nat.Permission, ports nat.Ports) {
	t.Helper()
	c := nat.Default()
	for _, lan := range h.inside {
		c.Inside = append(c.Inside, netip.MustParsePrefix(lan))
	}
	c.Outside = netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(h.n), 0}), 24)
	c.Mapping, c.Filtering, c.Permission, c.Ports = k.m, k.f, p, ports
	_, err := h.Apply(c)
	require.NoError(t, err)
}
