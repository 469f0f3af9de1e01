package relay

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// startCarrier starts a Carrier between two connections, and returns their other ends and
// what Carry will return.
func startCarrier(t *testing.T, ctx context.Context, idle time.Duration) (client, target *net.TCPConn, result <-chan Result) {
	t.Helper()
	l := nodetest.Listen(t)
	ends := func() (near, far *net.TCPConn) {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		far, err = l.AcceptTCP()
		require.NoError(t, err)
		return c.(*net.TCPConn), far
	}
	client, clientFar := ends()
	target, targetFar := ends()
	carrier := NewCarrier(idle)
	watching, stop := context.WithCancel(context.Background())
	watched, results := make(chan error, 1), make(chan Result, 1)
	go func() { watched <- carrier.Run(watching) }()
	go func() {
		results <- carrier.Carry(ctx, clientFar, targetFar)
		stop()
		assert.NoError(t, <-watched)
		carrier.Close()
		close(results)
	}()
	t.Cleanup(func() {
		client.Close()
		for range results {
		}
	})
	return client, target, results
}

func TestCarrier(t *testing.T) {
	t.Run("half-close", func(t *testing.T) {
		client, target, result := startCarrier(t, t.Context(), time.Hour)
		nodetest.Send(t, client, "question")
		require.NoError(t, client.CloseWrite())
		nodetest.ReceiveEnd(t, target, "question")
		nodetest.Send(t, target, "answer!")
		target.Close()
		nodetest.ReceiveEnd(t, client, "answer!")
		r := <-result
		assert.EqualValues(t, 8, r.Forth)
		assert.EqualValues(t, 7, r.Back)
		assert.EqualValues(t, 15, r.Spliced)
		assert.Regexp(t, `^after 0\.\d\d s: 8 bytes forth, 7 bytes back, FIN from client, then from target$`, r.String())
	})
	t.Run("RST", func(t *testing.T) {
		client, target, result := startCarrier(t, t.Context(), time.Hour)
		Reset(target)
		receiveReset(t, client)
		assert.Contains(t, (<-result).String(), "RST from target")
	})
	t.Run("idle", func(t *testing.T) {
		client, target, result := startCarrier(t, t.Context(), 50*time.Millisecond)
		receiveReset(t, client)
		receiveReset(t, target)
		assert.Contains(t, (<-result).String(), "idle for 50ms")
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client, target, result := startCarrier(t, ctx, 0)
		cancel()
		receiveReset(t, client)
		receiveReset(t, target)
		assert.Contains(t, (<-result).String(), "relay stopped")
	})
}
