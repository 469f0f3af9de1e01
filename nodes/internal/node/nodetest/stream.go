package nodetest

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long what must come may take. It only guards against hanging.
const patience = 20 * time.Second

// Listen listens on a free port of the loopback address until the test ends.
func Listen(t testing.TB) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

// Accept accepts a connection, which has to come and to end before long.
func Accept(t testing.TB, l *net.TCPListener) *net.TCPConn {
	t.Helper()
	require.NoError(t, l.SetDeadline(time.Now().Add(patience)))
	c, err := l.AcceptTCP()
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// Send writes s to a stream.
func Send(t testing.TB, w io.Writer, s string) {
	t.Helper()
	_, err := io.WriteString(w, s)
	require.NoError(t, err)
}

// Receive reads from a stream what must be want, and no byte more.
func Receive(t testing.TB, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	_, err := io.ReadFull(r, got)
	require.NoError(t, err)
	requireText(t, want, string(got))
}

// ReceiveEnd reads what is left of a stream, which must be want and end by a FIN.
func ReceiveEnd(t testing.TB, r io.Reader, want string) {
	t.Helper()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	requireText(t, want, string(got))
}

// requireText compares what may be too long to print.
func requireText(t testing.TB, want, got string) {
	t.Helper()
	const printable = 1000
	if len(want) <= printable && len(got) <= printable {
		require.Equal(t, want, got)
		return
	}
	require.True(t, want == got, "%d bytes, and %d were expected, or others", len(got), len(want))
}
