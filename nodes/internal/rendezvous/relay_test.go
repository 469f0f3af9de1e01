package rendezvous

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// plain carries as simply as can be.
type plain struct{}

func (plain) Stream(_ context.Context, a, b *net.TCPConn) error {
	var g errgroup.Group
	for _, p := range [][2]*net.TCPConn{{a, b}, {b, a}} {
		g.Go(func() error {
			_, err := io.Copy(p[0], p[1])
			p[0].CloseWrite()
			return err
		})
	}
	return g.Wait()
}

func (plain) Datagram(_, _ netip.AddrPort, _ int) bool { return true }

func (plain) Parted(_, _ netip.AddrPort) {}

func withCarrier(c *Config) { c.Carrier = plain{} }

// toServer is an unconnected UDP socket that writes to the server.
type toServer struct {
	*net.UDPConn
	server netip.AddrPort
}

func (c toServer) Write(b []byte) (int, error) { return c.WriteToUDPAddrPort(b, c.server) }

// join joins the relay.
func (c *client) join(ctx context.Context) error {
	if u, ok := c.c.(toServer); ok {
		return JoinDatagrams(ctx, u.UDPConn, u.server, c.Guest)
	}
	return JoinStream(ctx, c.c, c.Guest)
}

// guest returns a client that is to join.
func (r *running) guest(t *testing.T, transport, secret string) *client {
	t.Helper()
	c := r.dial(t, transport, secret)
	if transport == "udp" {
		u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
		require.NoError(t, err)
		t.Cleanup(func() { u.Close() })
		require.NoError(t, u.SetDeadline(time.Now().Add(patience)))
		c.c = toServer{u, r.addr}
	}
	return c
}

// joined lets two join a relay, and returns both ways.
func joined(t *testing.T, r *running, transport string) (a, b *client) {
	t.Helper()
	a, b = r.guest(t, transport, "secret"), r.guest(t, transport, "secret")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var g errgroup.Group
	for _, c := range []*client{a, b} {
		g.Go(func() error { return c.join(ctx) })
	}
	require.NoError(t, g.Wait())
	return a, b
}

func TestRelay(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			r := start(t, withCarrier)
			a, b := joined(t, r, transport)
			a.write(t, []byte("hello"))
			got := make([]byte, 100)
			n, err := b.c.Read(got)
			require.NoError(t, err)
			assert.Equal(t, "hello", string(got[:n]))
			b.write(t, []byte("hi"))
			n, err = a.c.Read(got)
			require.NoError(t, err)
			assert.Equal(t, "hi", string(got[:n]))
		})
	}
}

func TestARelayedStreamEnds(t *testing.T) {
	r := start(t, withCarrier)
	a, b := joined(t, r, "tcp")
	require.NoError(t, a.c.(*net.TCPConn).CloseWrite())
	_, err := b.c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, b.c.Close())
	_, err = a.c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	r.log.Wait(t, "gone ")
	joined(t, r, "tcp")
}

func TestJoinEndsWithItsContext(t *testing.T) {
	r := start(t, withCarrier)
	for _, transport := range transports {
		c := r.guest(t, transport, "alone")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.join(ctx) }()
		r.log.Wait(t, "registered "+c.local().String())
		cancel()
		select {
		case err := <-ended:
			assert.ErrorIs(t, err, context.Canceled)
		case <-time.After(patience):
			t.Fatal("it did not end")
		}
	}
}
