package tcpinfo

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	far, err = l.(*net.TCPListener).AcceptTCP()
	require.NoError(t, err)
	t.Cleanup(func() { far.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c.(*net.TCPConn), far
}

func TestLookingTakesNoError(t *testing.T) {
	near, far := pair(t)
	_, failed := Moved(near)
	assert.False(t, failed)
	require.NoError(t, far.SetLinger(0))
	far.Close()
	failedNow := func() bool { _, failed := Moved(near); return failed }
	require.Eventually(t, failedNow, patience, time.Millisecond)
	assert.True(t, failedNow(), "it is still there")
	_, err := near.Read(make([]byte, 1))
	assert.ErrorIs(t, err, unix.ECONNRESET, "and for who reads")
	assert.False(t, failedNow(), "who was told it")
	assert.NoError(t, Take(near))
}

func TestTake(t *testing.T) {
	near, far := pair(t)
	assert.NoError(t, Take(near))
	require.NoError(t, far.SetLinger(0))
	far.Close()
	require.Eventually(t, func() bool { _, failed := Moved(near); return failed }, patience, time.Millisecond)
	assert.ErrorIs(t, Take(near), unix.ECONNRESET)
	assert.NoError(t, Take(near))
	near.Close()
	assert.NoError(t, Take(near))
	n, failed := Moved(near)
	assert.Zero(t, n)
	assert.False(t, failed)
}

func TestMoved(t *testing.T) {
	near, far := pair(t)
	_, err := near.Write([]byte("Hello"))
	require.NoError(t, err)
	_, err = far.Write([]byte("Hello, world"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { n, _ := Moved(near); return n >= 5+12 }, patience, time.Millisecond)
	near.Close()
	far.Close()
}
