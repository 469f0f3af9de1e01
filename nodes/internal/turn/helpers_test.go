package turn

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/rules"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

var (
	loopback      = netip.MustParseAddrPort("127.0.0.1:0")
	allowLoopback = []rules.Rule{{Allow: true, Prefix: netip.MustParsePrefix("127.0.0.0/8")}}
)

// testConfig lets alice in, who may have peers on loopback.
func testConfig(tb testing.TB) Config {
	c := DefaultConfig()
	c.Listen = []netip.AddrPort{loopback}
	c.Users = NewUsers(DefaultRealm)
	require.NoError(tb, c.Users.Add("alice:wonderland"))
	require.NoError(tb, c.Users.Add("bob:builder"))
	c.Peers.Rules = allowLoopback
	c.UnauthenticatedRate = 10000
	return c
}

// testServer is a server that runs until it is stopped or the test ends.
type testServer struct {
	*Server
	log  *nodetest.Log
	stop func()
}

func startServer(tb testing.TB, c Config) *testServer {
	tb.Helper()
	log := &nodetest.Log{}
	s, err := Listen(context.Background(), c, node.NewEvents(log, node.Text))
	require.NoError(tb, err)
	return &testServer{Server: s, log: log, stop: nodetest.Serve(context.Background(), tb, s.Serve)}
}

// as is a client's configuration.
func (s *testServer) as(user, password string, tcp bool) ClientConfig {
	return ClientConfig{Server: s.Addrs()[0], User: user, Password: password, TCP: tcp}
}

// client is a client that has no allocation yet.
func (s *testServer) client(tb testing.TB, c ClientConfig) *Client {
	tb.Helper()
	cl, err := Dial(tb.Context(), c)
	require.NoError(tb, err)
	tb.Cleanup(cl.Close)
	return cl
}

// alice is a client that has an allocation.
func (s *testServer) alice(tb testing.TB, tcp bool) (*Client, Granted) {
	tb.Helper()
	cl := s.client(tb, s.as("alice", "wonderland", tcp))
	g, err := cl.Allocate(tb.Context(), 0)
	require.NoError(tb, err)
	return cl, g
}

// host is a peer: a UDP socket.
type host struct {
	*net.UDPConn
	tb testing.TB
}

func newHost(tb testing.TB) *host {
	tb.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(loopback))
	require.NoError(tb, err)
	tb.Cleanup(func() { c.Close() })
	return &host{c, tb}
}

func (h *host) at() netip.AddrPort { return addr.Of(h.LocalAddr()) }

func (h *host) send(to netip.AddrPort, s string) {
	h.tb.Helper()
	_, err := h.WriteToUDPAddrPort([]byte(s), to)
	require.NoError(h.tb, err)
}

func (h *host) receive(want string, from netip.AddrPort) {
	h.tb.Helper()
	b := make([]byte, 1<<16)
	require.NoError(h.tb, h.SetReadDeadline(time.Now().Add(patience)))
	n, got, err := h.ReadFromUDPAddrPort(b)
	require.NoError(h.tb, err)
	assert.Equal(h.tb, want, string(b[:n]))
	assert.Equal(h.tb, from, addr.Plain(got), "where it comes from")
}

func receive(tb testing.TB, c *Client) Datagram {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	d, err := c.Receive(ctx)
	require.NoError(tb, err)
	return d
}

// both runs a test with a client over UDP and with one over TCP.
func both(t *testing.T, test func(t *testing.T, tcp bool)) {
	t.Run("udp", func(t *testing.T) { test(t, false) })
	t.Run("tcp", func(t *testing.T) { test(t, true) })
}
