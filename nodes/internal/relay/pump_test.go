package relay

import (
	"crypto/sha256"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// tcpPair returns both ends of a connection.
func tcpPair(t testing.TB) (a, b *net.TCPConn) {
	t.Helper()
	l := nodetest.Listen(t)
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn), nodetest.Accept(t, l)
}

// transfer sends n bytes through a pump that uses pool and returns it.
func transfer(t *testing.T, pool *pipePool, n int) *pump {
	t.Helper()
	source, src := tcpPair(t)
	dst, sink := tcpPair(t)
	p, err := newPump(src, dst, pool)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- p.run(); dst.CloseWrite() }()
	sent := text(n)
	go func() { _, _ = io.WriteString(source, sent); source.CloseWrite() }()
	got := sha256.New()
	carried, err := io.Copy(got, sink)
	require.NoError(t, err)
	require.NoError(t, <-ended)
	require.EqualValues(t, n, carried)
	want := sha256.Sum256([]byte(sent))
	require.Equal(t, want[:], got.Sum(nil))
	require.EqualValues(t, n, p.carried().bytes())
	return p
}

func TestBytesAreSpliced(t *testing.T) {
	const n = 64 << 20
	pool := newPipePool(1)
	defer pool.close()
	p := transfer(t, pool, n)
	// What the estimate of the receiver's room had wrong is copied. It is
	// next to nothing.
	assert.Less(t, p.carried().copied, int64(n/20))
	assert.Equal(t, 1, len(pool.last)+len(pool.free), "the pipe is back")
}

func TestBytesAreCopiedWhereNoPipeCanBeMade(t *testing.T) {
	const n = 8 << 20
	pool := newPipePool(1)
	pool.make = func() (*pipe, error) { return nil, unix.EMFILE }
	p := transfer(t, pool, n)
	assert.EqualValues(t, n, p.carried().copied)
}

func TestNoPipeIsHeldForASlowReceiver(t *testing.T) {
	pool := newPipePool(1)
	defer pool.close()
	dst, sink := tcpPair(t)
	src, _ := tcpPair(t)
	p, err := newPump(src, dst, pool)
	require.NoError(t, err)

	// More lies in the pipe than the receiver, who does not read, has room for.
	require.NoError(t, dst.SetWriteBuffer(64<<10))
	require.NoError(t, sink.SetReadBuffer(64<<10))
	content := text(pipeSize)
	p.pipe = pool.get()
	require.NotNil(t, p.pipe)
	p.n, err = unix.Write(p.pipe.w, []byte(content))
	require.NoError(t, err)
	content = content[:p.n]
	passed := make(chan error, 1)
	go func() { passed <- p.passOn() }()

	back := pool.get() // though the receiver still has not read
	require.NotNil(t, back)
	pool.put(back)
	got := make([]byte, len(content))
	_, err = io.ReadFull(sink, got)
	require.NoError(t, err)
	require.NoError(t, <-passed)
	assert.Equal(t, content, string(got))
	assert.Positive(t, p.carried().spliced)
	assert.Positive(t, p.carried().copied)
	assert.EqualValues(t, len(content), p.carried().bytes())
}

func TestSlowReceiversDoNotSlowAFastOne(t *testing.T) {
	const slow, n = 50, 32 << 20
	l := nodetest.Listen(t)
	r := startRelay(t, DefaultOptions(), to(TCP, l.Addr()))
	for range slow {
		client := r.dial(t)
		require.NoError(t, client.SetWriteBuffer(32<<10))
		target := nodetest.Accept(t, l) // which never reads
		require.NoError(t, target.SetReadBuffer(4<<10))
		go func() { _, _ = io.WriteString(client, text(8<<20)) }()
	}
	client := r.dial(t)
	target := nodetest.Accept(t, l)
	go func() { _, _ = io.WriteString(client, text(n)); client.CloseWrite() }()
	carried, err := io.Copy(io.Discard, target)
	require.NoError(t, err)
	require.EqualValues(t, n, carried)
	target.Close()
	closed := r.log.wait(t, "closed", 1)[0]
	assert.Equal(t, client.LocalAddr().String(), closed["client"])
	assert.Greater(t, closed["spliced"], float64(n)*0.95, "there was always a pipe for it")
}

func TestPipePoolLendsNoMoreThanItsBound(t *testing.T) {
	pool := newPipePool(2)
	defer pool.close()
	a, b := pool.get(), pool.get()
	require.NotNil(t, a)
	require.NotNil(t, b)
	require.NotSame(t, a, b)
	require.Zero(t, len(pool.last)+len(pool.free), "a third has to wait")

	third := make(chan *pipe)
	go func() { third <- pool.get() }()
	pool.put(a)
	assert.Same(t, a, <-third)
	pool.discard(a)
	c := pool.get()
	assert.NotNil(t, c, "a pipe that is discarded makes room for another")
	pool.put(b)
	pool.put(c)
}
