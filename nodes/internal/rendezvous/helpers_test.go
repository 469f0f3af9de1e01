package rendezvous

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// patience guards a test against hanging.
const patience = 20 * time.Second

// running is a server under test.
type running struct {
	*Server
	addr netip.AddrPort
	log  nodetest.Log
	stop func()
}

// start runs a server on loopback until the test ends or stop is called.
func start(t *testing.T, change func(*Config)) *running {
	t.Helper()
	c := DefaultConfig()
	c.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}
	if change != nil {
		change(&c)
	}
	r := &running{}
	ctx := node.With(context.Background(), node.NewEvents(&r.log, node.Text))
	s, err := Listen(ctx, c)
	require.NoError(t, err)
	r.Server, r.addr = s, s.Addrs()[0]
	r.stop = nodetest.Serve(ctx, t, s.Serve)
	return r
}

// client is a guest with its way to a server.
type client struct {
	*Guest
	c   net.Conn
	udp bool
}

func token(t testing.TB, secret string, use Use) Token {
	t.Helper()
	k, err := NewToken(secret, use)
	require.NoError(t, err)
	return k
}

// dial opens a way to a server for a new guest.
func (r *running) dial(t *testing.T, transport, secret string) *client {
	t.Helper()
	use := map[string]Use{"udp": PunchUDP, "tcp": PunchTCP}[transport]
	g, err := NewGuest(token(t, secret, use), []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:1")}, []byte("note of "+secret))
	require.NoError(t, err)
	return r.connect(t, transport, g)
}

func (r *running) connect(t *testing.T, transport string, g *Guest) *client {
	t.Helper()
	c, err := net.Dial(transport, r.addr.String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return &client{Guest: g, c: c, udp: transport == "udp"}
}

func (c *client) local() netip.AddrPort { return addr.Of(c.c.LocalAddr()) }

func (c *client) write(t testing.TB, b []byte) {
	t.Helper()
	_, err := c.c.Write(b)
	require.NoError(t, err)
}

// read reads one message's bytes.
func (c *client) read(t testing.TB) []byte {
	t.Helper()
	if !c.udp {
		b, err := ReadMessage(c.c)
		require.NoError(t, err)
		return b
	}
	b := make([]byte, 1<<16)
	n, err := c.c.Read(b)
	require.NoError(t, err)
	return b[:n]
}

// request sends what is due.
func (c *client) request(t testing.TB) {
	t.Helper()
	b, _ := c.Request()
	c.write(t, b)
}

// until takes answers until the status is as it should be.
func (c *client) until(t testing.TB, what string, ok func(Status) bool) {
	t.Helper()
	for {
		next, err := c.Receive(c.read(t))
		require.NoError(t, err, what)
		if len(next) > 0 {
			c.write(t, next)
		}
		if c.Known() && ok(c.Status()) {
			return
		}
	}
}

// refused takes answers until the server refuses.
func (c *client) refused(t testing.TB) Reason {
	t.Helper()
	c.request(t)
	for {
		next, err := c.Receive(c.read(t))
		if err != nil {
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
			return refused.Reason
		}
		if len(next) > 0 {
			c.write(t, next)
		}
	}
}

func anything(Status) bool   { return true }
func peerTold(s Status) bool { return s.Peer != nil && s.Peer.State >= StateTold }
func peerLeft(s Status) bool { return s.Peer != nil && s.Peer.State == StateLeft }
func decided(d Decision) func(Status) bool {
	return func(s Status) bool { return s.Decision == d }
}
