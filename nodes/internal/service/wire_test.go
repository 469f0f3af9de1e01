package service

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// transcripts are what goes over the wire: all that a client sends, and all that it
// gets. (reply answers the first chunk, whatever it is.)
var transcripts = []struct{ service, in, out string }{
	{"echo", "Hello, world", "Hello, world"},
	{"echo", "", ""},
	{"echo", "line\nline\r\n\x00\xff不要回答", "line\nline\r\n\x00\xff不要回答"},
	{"upper", "hello, World 1", "HELLO, WORLD 1"},
	{"upper", "a\nb\x00\xffz{`é不", "A\nB\x00\xffZ{`é不"},
	{"reply", "请求占领地球", "不要回答,不要回答,不要回答"},
	{"reply", "x", "不要回答,不要回答,不要回答"},
}

func TestBytesOnTheWire(t *testing.T) {
	server := run(t, Options{}, "echo=127.0.0.1:0", "upper=127.0.0.1:0", "reply=127.0.0.1:0")
	for _, tt := range transcripts {
		for name, step := range map[string]int{"whole": len(tt.in), "byte by byte": 1, "in threes": 3} {
			t.Run(tt.service+" "+name, func(t *testing.T) {
				c := server.dial(t, tt.service+" tcp")
				send(t, c, tt.in, step)
				got, err := io.ReadAll(c)
				require.NoError(t, err, "the server must end with FIN, not RST")
				assert.Equal(t, tt.out, string(got))
			})
		}
	}
}

// send writes in pieces, each a segment of its own (TCP_NODELAY is Go's default),
// and ends this side.
func send(t *testing.T, c net.Conn, text string, step int) {
	t.Helper()
	for len(text) > 0 {
		n := min(step, len(text))
		_, err := io.WriteString(c, text[:n])
		require.NoError(t, err)
		text = text[n:]
	}
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
}

func TestEchoOfMoreThanOneChunk(t *testing.T) {
	server := run(t, Options{Quiet: true}, "echo=127.0.0.1:0")
	c := server.dial(t, "echo tcp")
	sent := make([]byte, 1<<20)
	for i := range sent {
		sent[i] = byte(i * 31)
	}
	written := make(chan error, 1)
	go func() {
		_, err := c.Write(sent)
		written <- err
	}()
	got := make([]byte, len(sent))
	_, err := io.ReadFull(c, got)
	require.NoError(t, err)
	require.NoError(t, <-written)
	assert.Equal(t, sent, got)
}

func TestDatagramsKeepTheirBoundaries(t *testing.T) {
	server := run(t, Options{}, "echo=127.0.0.1:0")
	c := server.dial(t, "echo udp")
	messages := []string{"one", "", "three", string(make([]byte, 60000))}
	for _, m := range messages {
		_, err := io.WriteString(c, m)
		require.NoError(t, err)
	}
	b := make([]byte, 65535)
	for _, m := range messages {
		n, err := c.Read(b)
		require.NoError(t, err)
		assert.Equal(t, m, string(b[:n]))
	}
}

func TestIPv6(t *testing.T) {
	server := run(t, Options{}, "echo=[::1]:0")
	for _, transport := range []string{"tcp", "udp"} {
		c := server.dial(t, "echo "+transport)
		_, err := io.WriteString(c, "six")
		require.NoError(t, err)
		b := make([]byte, 3)
		_, err = io.ReadFull(c, b)
		require.NoError(t, err)
		assert.Equal(t, "six", string(b))
	}
	server.log.Wait(t, " ttl 64\n")
	server.log.Wait(t, ` ttl 64 3 bytes "six"`)
}
