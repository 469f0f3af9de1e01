package tunnel

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writes counts the calls of Write, each with what it is given.
type writes struct {
	net.Conn
	calls []string
}

func (w *writes) Write(b []byte) (int, error) {
	w.calls = append(w.calls, string(b))
	return len(b), nil
}

// TestWholeFrames: nothing is lost, doubled or out of order, and only the header of a
// frame with a body waits for it.
func TestWholeFrames(t *testing.T) {
	header := func(kind byte, length byte) string {
		return "\x00" + string([]byte{kind}) + "\x00\x00\x00\x00\x00\x01\x00\x00\x00" + string([]byte{length})
	}
	var out writes
	w := &wholeFrames{Conn: &out}
	for _, b := range []string{
		header(1, 9), // an update of the window has no body
		header(0, 5), "hello",
		header(0, 0),                // nor has an end
		header(0, 12), header(0, 3), // a body that looks like a header
		header(2, 1), header(3, 1),
	} {
		n, err := w.Write([]byte(b))
		require.NoError(t, err)
		require.Equal(t, len(b), n)
	}
	assert.Equal(t, []string{
		header(1, 9), header(0, 5), "hello", header(0, 0), header(0, 12), header(0, 3), header(2, 1), header(3, 1),
	}, out.calls)

	// To a socket both go by one call, in one segment.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	peer, err := l.Accept()
	require.NoError(t, err)
	defer peer.Close()
	w = &wholeFrames{Conn: c}
	frame := header(0, 5) + "hello"
	for range 100 {
		_, err = w.Write([]byte(frame[:frameHeader]))
		require.NoError(t, err)
		_, err = w.Write([]byte(frame[frameHeader:]))
		require.NoError(t, err)
		b := make([]byte, 64)
		n, err := peer.Read(b)
		require.NoError(t, err)
		require.Equal(t, frame, string(b[:n]))
	}

	require.NoError(t, c.Close())
	_, err = w.Write([]byte(frame[:frameHeader]))
	require.NoError(t, err)
	n, err := w.Write([]byte(frame[frameHeader:]))
	require.ErrorIs(t, err, net.ErrClosed)
	require.Zero(t, n)
}
