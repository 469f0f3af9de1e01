package nodetest

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

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
