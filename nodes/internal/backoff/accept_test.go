package backoff

import (
	"context"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func dial(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp4", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestAcceptEndsWithItsListener(t *testing.T) {
	l := listen(t)
	dial(t, l)
	dial(t, l)
	n := 0
	for c := range Accept(t.Context(), l, func(err error) { t.Error(err) }) {
		c.Close()
		if n++; n == 2 {
			l.Close()
		}
	}
	assert.Equal(t, 2, n)
}

func TestAcceptEndsWithItsContext(t *testing.T) {
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	late := dial(t, l)
	for range Accept(ctx, l, func(err error) { t.Error(err) }) {
		t.Error("nobody is to be served")
	}
	_, err := late.Read(make([]byte, 1))
	assert.ErrorIs(t, err, syscall.ECONNRESET)
}

// TestAcceptTriesAgain: a process without descriptors accepts who waits when it has some.
func TestAcceptTriesAgain(t *testing.T) {
	l := listen(t)
	waits := dial(t, l)
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	restore := func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)) }
	defer restore()
	none := limit
	none.Cur = 0
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	failures := 0
	failed := func(err error) {
		assert.ErrorIs(t, err, syscall.EMFILE)
		if failures++; failures == 3 {
			restore()
		}
	}
	for c := range Accept(t.Context(), l, failed) {
		assert.Equal(t, waits.LocalAddr().String(), c.RemoteAddr().String())
		c.Close()
		break
	}
	assert.Equal(t, 3, failures)
}
