package pairing

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// testRelay is a relay that runs until it is stopped or the test ends.
type testRelay struct {
	*Relay
	log  nodetest.Log
	stop func()
}

func start(t testing.TB, c Config) *testRelay {
	t.Helper()
	r := &testRelay{}
	ctx := node.With(context.Background(), node.NewEvents(&r.log, node.JSON))
	var err error
	r.Relay, err = Listen(ctx, c)
	require.NoError(t, err)
	r.stop = nodetest.Serve(ctx, t, r.Serve)
	r.log.Wait(t, "ready")
	return r
}

func config() Config {
	c := DefaultConfig()
	c.Listen = []netip.AddrPort{loopback}
	return c
}

// event is the only one of that name in the relay's log.
func (r *testRelay) event(t testing.TB, name string) map[string]any {
	t.Helper()
	r.log.Wait(t, `"event":"`+name+`"`)
	var found []map[string]any
	for line := range strings.Lines(r.log.String()) {
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		if e["event"] == name {
			found = append(found, e)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

func guest(t testing.TB, secret string, use rendezvous.Use) *rendezvous.Guest {
	t.Helper()
	token, err := rendezvous.NewToken(secret, use)
	require.NoError(t, err)
	g, err := rendezvous.NewGuest(token, nil, nil)
	require.NoError(t, err)
	return g
}

// dial connects a client that has not joined yet.
func (r *testRelay) dial(t testing.TB) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", r.Addrs()[0].String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// pair is both ends of a TCP connection through the relay.
func (r *testRelay) pair(t testing.TB, secret string) (a, b *net.TCPConn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var g errgroup.Group
	a, b = r.dial(t), r.dial(t)
	for _, c := range []*net.TCPConn{a, b} {
		guest := guest(t, secret, rendezvous.RelayTCP)
		g.Go(func() error { return rendezvous.JoinStream(ctx, c, guest) })
	}
	require.NoError(t, g.Wait())
	for _, c := range []*net.TCPConn{a, b} {
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	}
	return a, b
}

func TestStreamsAreSplicedWholeAndEndByEnd(t *testing.T) {
	r := start(t, config())
	a, b := r.pair(t, "token")
	_, err := io.WriteString(a, "question")
	require.NoError(t, err)
	require.NoError(t, a.CloseWrite())
	got, err := io.ReadAll(b)
	require.NoError(t, err)
	require.Equal(t, "question", string(got))
	answer := bytes.Repeat([]byte("The other direction is still open. "), 200_000)
	go func() { _, _ = b.Write(answer); b.Close() }()
	got, err = io.ReadAll(a)
	require.NoError(t, err)
	require.True(t, bytes.Equal(answer, got))

	closed := r.event(t, "closed")
	assert.EqualValues(t, 8+len(answer), closed["forth"].(float64)+closed["back"].(float64))
	assert.EqualValues(t, 8+len(answer), closed["spliced"], "all went from kernel to kernel")
	assert.Equal(t, "eof", closed["why"])
	r.carrier.printCarried()
	carried := r.event(t, "carried")
	assert.EqualValues(t, 1, carried["pairs"])
	assert.EqualValues(t, 8+len(answer), carried["bytes"])
}

func TestResetIsCarried(t *testing.T) {
	r := start(t, config())
	a, b := r.pair(t, "token")
	require.NoError(t, a.SetLinger(0))
	require.NoError(t, a.Close())
	_, err := io.Copy(io.Discard, b)
	require.ErrorContains(t, err, "connection reset by peer")
	assert.Equal(t, "reset", r.event(t, "closed")["why"])
	// The token may be used again.
	r.pair(t, "token")
}

func TestStreamOutlivesTheLifetimeOfAMeeting(t *testing.T) {
	c := config()
	c.Limits.Lifetime = 100 * time.Millisecond
	r := start(t, c)
	a, b := r.pair(t, "token")
	// A client that waits alone, and says nothing for so long, is forgotten meanwhile.
	err := rendezvous.JoinStream(t.Context(), r.dial(t), guest(t, "another", rendezvous.RelayTCP))
	require.Error(t, err)
	r.log.Wait(t, `"event":"gone"`)
	_, err = io.WriteString(a, "still here")
	require.NoError(t, err)
	got := make([]byte, 10)
	_, err = io.ReadFull(b, got)
	require.NoError(t, err)
	require.Equal(t, "still here", string(got))
}

func TestIdlePairIsEnded(t *testing.T) {
	c := config()
	c.Idle = 100 * time.Millisecond
	r := start(t, c)
	a, b := r.pair(t, "token")
	for _, c := range []*net.TCPConn{a, b} {
		_, err := io.Copy(io.Discard, c)
		require.ErrorContains(t, err, "connection reset by peer")
	}
	assert.Equal(t, "idle", r.event(t, "closed")["why"])
}

func TestThirdIsRefused(t *testing.T) {
	r := start(t, config())
	a, b := r.pair(t, "token")
	var refused *rendezvous.RefusedError
	err := rendezvous.JoinStream(t.Context(), r.dial(t), guest(t, "token", rendezvous.RelayTCP))
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, rendezvous.ReasonInUse, refused.Reason)
	// The two hear nothing of it.
	_, err = io.WriteString(a, "only us")
	require.NoError(t, err)
	got := make([]byte, 7)
	_, err = io.ReadFull(b, got)
	require.NoError(t, err)
	require.Equal(t, "only us", string(got))
}

func TestRelayThatStopsResetsItsPairsAndPairsAgain(t *testing.T) {
	c := config()
	r := start(t, c)
	a, b := r.pair(t, "token")
	c.Listen = r.Addrs()
	r.stop()
	for _, c := range []*net.TCPConn{a, b} {
		_, err := io.Copy(io.Discard, c)
		require.ErrorContains(t, err, "connection reset by peer")
	}
	start(t, c).pair(t, "token")
}

func TestLimits(t *testing.T) {
	t.Run("of a source", func(t *testing.T) {
		c := config()
		c.Limits.PerSource = 2
		r := start(t, c)
		r.pair(t, "token")
		var refused *rendezvous.RefusedError
		err := rendezvous.JoinStream(t.Context(), r.dial(t), guest(t, "another", rendezvous.RelayTCP))
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, rendezvous.ReasonSource, refused.Reason)
	})
	t.Run("of pairs", func(t *testing.T) {
		c := config()
		c.Limits.Clients = 2
		r := start(t, c)
		r.pair(t, "token")
		var refused *rendezvous.RefusedError
		err := rendezvous.JoinStream(t.Context(), r.dial(t), guest(t, "another", rendezvous.RelayTCP))
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, rendezvous.ReasonFull, refused.Reason)
	})
	t.Run("of those who say nothing", func(t *testing.T) {
		c := config()
		c.HalfOpen = 100 * time.Millisecond
		r := start(t, c)
		silent := r.dial(t)
		require.NoError(t, silent.SetDeadline(time.Now().Add(patience)))
		_, err := silent.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	})
}

// udpPair is two sockets whose datagrams are carried to each other.
func (r *testRelay) udpPair(t testing.TB, secret string) (a, b *net.UDPConn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var g errgroup.Group
	var conns [2]*net.UDPConn
	for i := range conns {
		var err error
		conns[i], err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback))
		require.NoError(t, err)
		t.Cleanup(func() { conns[i].Close() })
		guest := guest(t, secret, rendezvous.RelayUDP)
		g.Go(func() error { return rendezvous.JoinDatagrams(ctx, conns[i], r.Addrs()[0], guest) })
	}
	require.NoError(t, g.Wait())
	for _, c := range conns {
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	}
	return conns[0], conns[1]
}

// receive returns the next datagram that is not the relay's own.
func receive(t testing.TB, c *net.UDPConn) string {
	t.Helper()
	b := make([]byte, 1<<16)
	for {
		n, _, err := c.ReadFromUDPAddrPort(b)
		require.NoError(t, err)
		if !rendezvous.IsMessage(b[:n]) {
			return string(b[:n])
		}
	}
}

func TestDatagramsAreCarriedAndCounted(t *testing.T) {
	c := config()
	c.Limits.Lifetime = 300 * time.Millisecond
	r := start(t, c)
	a, b := r.udpPair(t, "token")
	for _, size := range []int{0, 1, 1472, 1473, 65507} {
		want := strings.Repeat("x", size)
		_, err := a.WriteToUDPAddrPort([]byte(want), r.Addrs()[0])
		require.NoError(t, err)
		require.True(t, want == receive(t, b), "%d bytes", size)
	}
	_, err := b.WriteToUDPAddrPort([]byte("answer"), r.Addrs()[0])
	require.NoError(t, err)
	require.Equal(t, "answer", receive(t, a))
	// Nobody refreshes: both are forgotten, and what was carried is told.
	closed := r.event(t, "closed")
	assert.EqualValues(t, 6, closed["forth_datagrams"].(float64)+closed["back_datagrams"].(float64))
	assert.EqualValues(t, 1+1472+1473+65507+6, closed["forth"].(float64)+closed["back"].(float64))
}

func TestStrangersDatagramsGoNowhere(t *testing.T) {
	r := start(t, config())
	a, b := r.udpPair(t, "token")
	stranger, err := net.Dial("udp4", r.Addrs()[0].String())
	require.NoError(t, err)
	defer stranger.Close()
	_, err = io.WriteString(stranger, "let me in")
	require.NoError(t, err)
	_, err = a.WriteToUDPAddrPort([]byte("after it"), r.Addrs()[0])
	require.NoError(t, err)
	require.Equal(t, "after it", receive(t, b), "the first that arrives")
}

func TestNothingIsLeft(t *testing.T) {
	await := nodetest.NothingLeft(t)
	r := start(t, config())
	for i := range 100 {
		a, b := r.pair(t, "token")
		if i%2 == 0 {
			require.NoError(t, a.SetLinger(0))
		}
		a.Close()
		_, _ = io.Copy(io.Discard, b)
		b.Close()
		want := i + 1
		require.Eventually(t, func() bool { return strings.Count(r.log.String(), `"event":"gone"`) == want }, patience, time.Millisecond)
	}
	r.stop()
	await()
}
