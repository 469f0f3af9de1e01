package wire

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// connected returns both ends of a TCP connection.
func connected(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	require.NoError(t, err)
	near = c.(*net.TCPConn)
	far, err = l.AcceptTCP()
	require.NoError(t, err)
	for _, c := range []*net.TCPConn{near, far} {
		t.Cleanup(func() { c.Close() })
		require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	}
	return near, far
}

func TestReadHeadLeavesTheRest(t *testing.T) {
	for _, head := range []string{
		"CONNECT server:80 HTTP/1.1\r\nHost: server\r\n\r\n",
		"CONNECT server:80 HTTP/1.1\nHost: server\n\n",
		"CONNECT server:80 HTTP/1.1\r\n\n",
	} {
		near, far := connected(t)
		_, err := io.WriteString(near, head+"\r\n\r\nearly")
		require.NoError(t, err)
		require.NoError(t, near.CloseWrite())
		got, err := ReadHead(far)
		require.NoError(t, err)
		assert.Equal(t, head, string(got))
		rest, err := io.ReadAll(far)
		require.NoError(t, err)
		assert.Equal(t, "\r\n\r\nearly", string(rest))
	}
}

func TestReadHeadInPieces(t *testing.T) {
	near, far := connected(t)
	const head = "CONNECT server:80 HTTP/1.1\r\n\r\n"
	got := make(chan string, 1)
	go func() {
		b, err := ReadHead(far)
		assert.NoError(t, err)
		got <- string(b)
	}()
	for _, c := range []byte(head) {
		_, err := near.Write([]byte{c})
		require.NoError(t, err)
	}
	assert.Equal(t, head, <-got)
}

func TestReadHeadThatDoesNotEnd(t *testing.T) {
	near, far := connected(t)
	go func() { _, _ = io.WriteString(near, "CONNECT x:1 HTTP/1.1\r\nA: "+strings.Repeat("b", 2*MaxHead)) }()
	_, err := ReadHead(far)
	assert.ErrorIs(t, err, ErrHeadTooLong)

	near, far = connected(t)
	_, err = io.WriteString(near, "CONNECT")
	require.NoError(t, err)
	near.Close()
	_, err = ReadHead(far)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)

	_, far = connected(t)
	require.NoError(t, far.SetReadDeadline(time.Now()))
	_, err = ReadHead(far)
	assert.True(t, timedOut(err), "%v", err)
}
