package relay

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func TestTargetObservesTheRelay(t *testing.T) {
	r, client, target := pair(t, DefaultOptions())
	connected := r.log.wait(t, "connected", 1)[0]
	assert.Equal(t, client.LocalAddr().String(), connected["client"])
	assert.Equal(t, client.RemoteAddr().String(), connected["listen"])
	assert.Equal(t, target.RemoteAddr().String(), connected["local"])
	assert.Equal(t, target.LocalAddr().String(), connected["target"])
	assert.NotEqual(t, client.LocalAddr().String(), target.RemoteAddr().String())
}

func TestBytesAreCarriedAndCounted(t *testing.T) {
	r, client, target := pair(t, DefaultOptions())
	nodetest.Send(t, client, "Hello")
	nodetest.Receive(t, target, "Hello")
	nodetest.Send(t, target, "Hello, world")
	nodetest.Receive(t, client, "Hello, world")
	require.NoError(t, client.CloseWrite())
	nodetest.ReceiveEnd(t, target, "")
	require.NoError(t, target.Close())
	nodetest.ReceiveEnd(t, client, "")

	closed := r.log.wait(t, "closed", 1)[0]
	assert.EqualValues(t, 5, closed["forth"])
	assert.EqualValues(t, 12, closed["back"])
	assert.Equal(t, "eof", closed["why"])
	assert.Equal(t, "client", closed["side"])
}

func TestHalfCloseLeavesTheOtherDirectionOpen(t *testing.T) {
	ends := func(t *testing.T, first, second *net.TCPConn, r *testRelay, side string) {
		nodetest.Send(t, first, "question")
		require.NoError(t, first.CloseWrite())
		nodetest.ReceiveEnd(t, second, "question")
		answer := text(3 << 20) // more than any buffer on the way
		go func() { _, _ = io.WriteString(second, answer); second.CloseWrite() }()
		nodetest.ReceiveEnd(t, first, answer)
		closed := r.log.wait(t, "closed", 1)[0]
		assert.Equal(t, "eof", closed["why"])
		assert.Equal(t, side, closed["side"])
	}
	t.Run("client first", func(t *testing.T) {
		r, client, target := pair(t, DefaultOptions())
		ends(t, client, target, r, "client")
	})
	t.Run("target first", func(t *testing.T) {
		r, client, target := pair(t, DefaultOptions())
		ends(t, target, client, r, "target")
	})
}

func TestResetIsCarried(t *testing.T) {
	resets := func(t *testing.T, first, second *net.TCPConn, r *testRelay, side string) {
		reset(first)
		receiveReset(t, second)
		closed := r.log.wait(t, "closed", 1)[0]
		assert.Equal(t, "reset", closed["why"])
		assert.Equal(t, side, closed["side"])
	}
	t.Run("from the client", func(t *testing.T) {
		r, client, target := pair(t, DefaultOptions())
		resets(t, client, target, r, "client")
	})
	t.Run("from the target", func(t *testing.T) {
		r, client, target := pair(t, DefaultOptions())
		resets(t, target, client, r, "target")
	})
	t.Run("from the client while the target does not read", func(t *testing.T) {
		r, client, target := pair(t, DefaultOptions())
		fill(t, client)
		resets(t, client, target, r, "client")
	})
	t.Run("from the client after its FIN", func(t *testing.T) {
		r, client, target := pair(t, DefaultOptions())
		require.NoError(t, client.CloseWrite())
		nodetest.ReceiveEnd(t, target, "")
		reset(client)
		closed := r.log.wait(t, "closed", 1)[0]
		assert.Equal(t, "reset", closed["why"])
		assert.Equal(t, "client", closed["side"])
		// Reading goes on to give the FIN that came first, so the RST is
		// seen by writing.
		require.Eventually(t, func() bool {
			_, err := target.Write([]byte("x"))
			return errors.Is(err, unix.EPIPE)
		}, patience, time.Millisecond)
	})
}

// receiveReset reads what is left, which must end by an RST.
func receiveReset(t testing.TB, c net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, c)
	require.ErrorIs(t, err, unix.ECONNRESET)
}

// fill writes until every buffer on the way is full.
func fill(t testing.TB, c *net.TCPConn) {
	t.Helper()
	block := make([]byte, 1<<16)
	for {
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(200*time.Millisecond)))
		if _, err := c.Write(block); err != nil {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			return
		}
	}
}

func TestTargetThatRefuses(t *testing.T) {
	l := nodetest.Listen(t)
	nobody := l.Addr()
	l.Close()
	r := startRelay(t, DefaultOptions(), to(TCP, nobody))
	// The RST may come before connect returns.
	c, err := net.Dial("tcp", r.address())
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, unix.ECONNRESET)
	closed := r.log.wait(t, "closed", 1)[0]
	assert.Equal(t, "refused", closed["why"])
	assert.Equal(t, "connect: ECONNREFUSED (111) connection refused", closed["error"])
	connected, _ := r.log.named("connected")
	assert.Empty(t, connected)
}

func TestIdleLimit(t *testing.T) {
	options := DefaultOptions()
	options.Idle = 100 * time.Millisecond
	r, client, target := pair(t, options)
	receiveReset(t, client)
	receiveReset(t, target)
	assert.Equal(t, "idle", r.log.wait(t, "closed", 1)[0]["why"])
}

func TestTrafficOfEitherDirectionIsNotIdle(t *testing.T) {
	options := DefaultOptions()
	options.Idle = time.Hour
	l := nodetest.Listen(t)
	r := startRelay(t, options, to(TCP, l.Addr()))
	client := r.dial(t)
	target := nodetest.Accept(t, l)
	r.log.wait(t, "connected", 1)

	start := time.Now()
	r.watch.Look(start.Add(1 * time.Minute))
	nodetest.Send(t, client, "forth")
	nodetest.Receive(t, target, "forth")
	r.watch.Look(start.Add(50 * time.Minute)) // sees that it moved
	r.watch.Look(start.Add(100 * time.Minute))
	nodetest.Send(t, target, "back")
	nodetest.Receive(t, client, "back")
	r.watch.Look(start.Add(105 * time.Minute)) // again
	r.watch.Look(start.Add(160 * time.Minute))
	closed, _ := r.log.named("closed")
	require.Empty(t, closed, "the limit never passed between two looks that saw it move")

	r.watch.Look(start.Add(166 * time.Minute))
	assert.Equal(t, "idle", r.log.wait(t, "closed", 1)[0]["why"])
}

func TestNoIdleLimit(t *testing.T) {
	options := DefaultOptions()
	options.Idle = 0
	r, client, target := pair(t, options)
	r.log.wait(t, "connected", 1)
	r.watch.Look(time.Now().Add(1000 * time.Hour))
	nodetest.Send(t, client, "still there")
	nodetest.Receive(t, target, "still there")
}

func TestThousandConnectionsAtOnce(t *testing.T) {
	const n = 1000
	r := startRelay(t, DefaultOptions(), to(TCP, echo(t).Addr()))
	clients := make([]*net.TCPConn, n)
	for i := range clients {
		clients[i] = r.dial(t)
	}
	r.log.wait(t, "connected", n)
	message := text(100)
	for _, c := range clients {
		nodetest.Send(t, c, message)
	}
	for _, c := range clients {
		nodetest.Receive(t, c, message)
	}
	closed, _ := r.log.named("closed")
	require.Empty(t, closed, "all are there at once")
	for _, c := range clients {
		require.NoError(t, c.CloseWrite())
		nodetest.ReceiveEnd(t, c, "")
	}
	for _, e := range r.log.wait(t, "closed", n) {
		require.Equal(t, "eof", e["why"])
		require.EqualValues(t, 100, e["forth"])
		require.EqualValues(t, 100, e["back"])
	}
}

func TestMaxConnectionsIsSharedByListeners(t *testing.T) {
	options := DefaultOptions()
	options.MaxConnections = 1
	target := echo(t).Addr()
	r := startRelay(t, options, to(TCP, target), to(TCP, target))
	first := r.dial(t)
	nodetest.Send(t, first, "first")
	nodetest.Receive(t, first, "first")

	second, err := net.Dial("tcp", r.Addrs()[1].String())
	require.NoError(t, err)
	defer second.Close()
	require.NoError(t, second.SetDeadline(time.Now().Add(patience)))
	nodetest.Send(t, second, "second")
	assert.Contains(t, r.log.wait(t, "limited", 1)[0]["reason"], "1 connection (--max-connections)")
	accepted, _ := r.log.named("accepted")
	require.Len(t, accepted, 1)

	first.Close()
	nodetest.Receive(t, second, "second")
}

func TestStopResets(t *testing.T) {
	r, client, target := pair(t, DefaultOptions())
	r.log.wait(t, "connected", 1)
	r.stop()
	receiveReset(t, client)
	receiveReset(t, target)
	assert.Equal(t, "stopped", r.log.wait(t, "closed", 1)[0]["why"])
}

func TestNothingIsLeft(t *testing.T) {
	await := nodetest.NothingLeft(t)
	t.Run("relay", func(t *testing.T) {
		target := echo(t)
		r := startRelay(t, DefaultOptions(), to(TCP, target.Addr()), to(UDP, echoUDP(t).LocalAddr()))
		endings := []func(c *net.TCPConn){
			func(c *net.TCPConn) { c.Close() },
			func(c *net.TCPConn) { reset(c) },
			func(c *net.TCPConn) { c.CloseWrite(); _, _ = io.Copy(io.Discard, c) },
			func(c *net.TCPConn) {}, // is there when the relay stops
		}
		for i := range 40 {
			c := r.dial(t)
			nodetest.Send(t, c, text(100_000))
			endings[i%len(endings)](c)
		}
		u := dialUDP(t, r.Addrs()[1])
		nodetest.Send(t, u, "datagram")
		nodetest.Receive(t, u, "datagram")
		r.log.wait(t, "closed", 30)
	})
	await()
}
