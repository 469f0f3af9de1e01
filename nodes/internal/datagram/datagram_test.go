package datagram

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func listen(t *testing.T, local string) *Conn {
	t.Helper()
	c, err := Listen(context.Background(), netip.MustParseAddrPort(local))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(5*time.Second)))
	return c
}

// dial returns a connected socket to port of host, which sends with the given TTL.
func dial(t *testing.T, network, host string, port uint16) *Conn {
	t.Helper()
	u, err := net.Dial(network, net.JoinHostPort(host, strconv.Itoa(int(port))))
	require.NoError(t, err)
	t.Cleanup(func() { u.Close() })
	c, err := New(u.(*net.UDPConn))
	require.NoError(t, err)
	require.NoError(t, c.SetDeadline(time.Now().Add(5*time.Second)))
	return c
}

func TestReplyComesFromTheAddressThatWasAsked(t *testing.T) {
	server := listen(t, "0.0.0.0:0")
	port := server.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	for _, host := range []string{"127.0.0.1", "127.0.0.9"} {
		// A connected socket drops what comes from another address.
		client := dial(t, "udp4", host, port)
		_, err := client.Write([]byte("ping"))
		require.NoError(t, err)

		b := make([]byte, 64)
		n, info, err := server.Receive(b)
		require.NoError(t, err)
		assert.Equal(t, "ping", string(b[:n]))
		assert.Equal(t, client.LocalAddr().String(), info.From.String())
		assert.Equal(t, 64, info.TTL)
		require.NoError(t, server.Reply([]byte("pong"), info))

		n, info, err = client.Receive(b)
		require.NoError(t, err)
		assert.Equal(t, "pong", string(b[:n]))
		assert.Equal(t, host, info.From.Addr().String())
	}
}

func TestTTLOfArrival(t *testing.T) {
	tests := []struct {
		network, host string
		setTTL        func(fd int) error
	}{
		{"udp4", "127.0.0.1", setTTL4},
		{"udp6", "::1", setTTL6},
	}
	for _, tt := range tests {
		server := listen(t, net.JoinHostPort(tt.host, "0"))
		client := dial(t, tt.network, tt.host, server.LocalAddr().(*net.UDPAddr).AddrPort().Port())
		raw, err := client.SyscallConn()
		require.NoError(t, err)
		require.NoError(t, raw.Control(func(fd uintptr) { err = tt.setTTL(int(fd)) }))
		require.NoError(t, err)
		_, err = client.Write(nil)
		require.NoError(t, err)
		n, info, err := server.Receive(make([]byte, 1))
		require.NoError(t, err)
		assert.Equal(t, 0, n, "an empty datagram is one too")
		assert.Equal(t, 17, info.TTL)
		require.NoError(t, server.Reply([]byte("x"), info))
		_, _, err = client.Receive(make([]byte, 1))
		require.NoError(t, err)
	}
}
