package observe

import (
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tcpPair returns the two ends of a TCP connection on loopback.
func tcpPair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	deadline := time.Now().Add(5 * time.Second)
	require.NoError(t, client.SetDeadline(deadline))
	require.NoError(t, server.SetDeadline(deadline))
	return client, server
}

func request(t *testing.T) []byte {
	t.Helper()
	b, err := newRequest()
	require.NoError(t, err)
	return b
}

func TestIsRequest(t *testing.T) {
	good := request(t)
	assert.True(t, IsRequest(good))
	change := func(i int, v byte) []byte {
		b := append([]byte(nil), good...)
		b[i] = v
		return b
	}
	withAttribute := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewSoftware("x")).Raw
	for name, b := range map[string][]byte{
		"empty":             nil,
		"a byte short":      good[:19],
		"a byte more":       append(append([]byte(nil), good...), 0),
		"two":               append(append([]byte(nil), good...), good...),
		"wrong cookie":      change(4, 0),
		"a response":        change(0, 1),
		"an indication":     change(1, 0x11),
		"another method":    change(1, 2),
		"a length":          change(3, 4),
		"first bits set":    change(0, 0x80),
		"with an attribute": withAttribute,
		"twenty letters":    []byte("abcdefghijklmnopqrst"),
	} {
		assert.False(t, IsRequest(b), name)
	}
}

func TestResponseTellsTheAddress(t *testing.T) {
	for _, seen := range []string{"198.18.5.2:40112", "[2001:db8:17:1::a]:65535"} {
		seen := netip.MustParseAddrPort(seen)
		req := request(t)
		res, err := Response(req, seen)
		require.NoError(t, err)
		require.True(t, answers(res, req))
		got, err := mapped(res)
		require.NoError(t, err)
		assert.Equal(t, seen, got)
	}
	_, err := Response([]byte("abcdefghijklmnopqrst"), netip.MustParseAddrPort("10.0.0.1:1"))
	assert.Error(t, err)
}

// echo sends back what it reads, in reads of the given size.
func echo(c io.ReadWriter, size int, done chan<- error) {
	b := make([]byte, size)
	for {
		n, err := c.Read(b)
		if err != nil {
			done <- err
			return
		}
		if _, err := c.Write(b[:n]); err != nil {
			done <- err
			return
		}
	}
}

func TestAskBetweenTheBytesOfAService(t *testing.T) {
	for _, size := range []int{1, 19, 20, 21, 4096} {
		client, server := tcpPair(t)
		asked := 0
		done := make(chan error, 1)
		go echo(&Conn{Conn: server, Asked: func() { asked++ }}, size, done)
		for range 2 {
			seen, err := Ask(client)
			require.NoError(t, err, size)
			assert.Equal(t, client.LocalAddr().String(), seen.String())
			for _, message := range []string{"x", "twenty bytes exactly", "twenty bytes and one!", "Hello, world"} {
				_, err = io.WriteString(client, message)
				require.NoError(t, err)
				got := make([]byte, len(message))
				_, err = io.ReadFull(client, got)
				require.NoError(t, err)
				assert.Equal(t, message, string(got))
			}
		}
		client.Close()
		assert.ErrorIs(t, <-done, io.EOF)
		assert.Equal(t, 2, asked)
	}
}

func TestQuestionInsideALongerChunkIsData(t *testing.T) {
	client, server := tcpPair(t)
	message := append(request(t), "and more"...)
	_, err := client.Write(message)
	require.NoError(t, err)
	c := &Conn{Conn: server}
	for _, size := range []int{4, 16, 8} {
		b := make([]byte, size)
		_, err := io.ReadFull(c, b)
		require.NoError(t, err)
		assert.Equal(t, message[:size], b)
		message = message[size:]
	}
}

func TestAskAForeignServer(t *testing.T) {
	tests := map[string]struct {
		serve func(net.Conn)
		err   error
	}{
		"echo":    {func(c net.Conn) { echo(c, 64, make(chan error, 1)) }, ErrNotTold},
		"closes":  {func(c net.Conn) { _, _ = c.Read(make([]byte, 64)); c.Close() }, ErrNotTold},
		"a word":  {func(c net.Conn) { _, _ = c.Read(make([]byte, 64)); _, _ = io.WriteString(c, "no"); c.Close() }, ErrNotTold},
		"silence": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, os.ErrDeadlineExceeded},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client, server := tcpPair(t)
			done := make(chan struct{})
			go func() { defer close(done); tt.serve(server) }()
			require.NoError(t, client.SetReadDeadline(time.Now().Add(200*time.Millisecond)))
			_, err := Ask(client)
			assert.ErrorIs(t, err, tt.err)
			client.Close()
			<-done
		})
	}
}

func TestAskDatagramAsksAgainAfterALoss(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer server.Close()
	client, err := net.Dial("udp", server.LocalAddr().String())
	require.NoError(t, err)
	defer client.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 64)
		for asked := 1; ; asked++ {
			n, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			if asked == 1 {
				continue // lost
			}
			_, _ = server.WriteTo([]byte("a late answer to something else"), from)
			res, _ := Response(b[:n], from.(*net.UDPAddr).AddrPort())
			_, _ = server.WriteTo(res, from)
		}
	}()
	seen, err := AskDatagram(client, time.Now().Add(5*time.Second))
	require.NoError(t, err)
	assert.Equal(t, client.LocalAddr().String(), seen.String())
	server.Close()
	<-done
}

func FuzzIsRequest(f *testing.F) {
	m, _ := newRequest()
	f.Add(m)
	f.Add(m[:19])
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewSoftware("x")).Raw)
	f.Add([]byte("Hello, world"))
	seen := netip.MustParseAddrPort("198.18.5.2:40112")
	f.Fuzz(func(t *testing.T, b []byte) {
		response, err := Response(b, seen)
		if !IsRequest(b) {
			require.Error(t, err)
			return
		}
		// What is recognised is a request for everyone else, and gets its answer.
		require.NoError(t, err)
		parsed := stun.New()
		parsed.Raw = b
		require.NoError(t, parsed.Decode())
		require.Equal(t, stun.BindingRequest, parsed.Type)
		require.Empty(t, parsed.Attributes)
		require.True(t, answers(response, b))
		got, err := mapped(response)
		require.NoError(t, err)
		require.Equal(t, seen, got)
	})
}

func FuzzMapped(f *testing.F) {
	req, _ := newRequest()
	v4, _ := Response(req, netip.MustParseAddrPort("198.18.5.2:40112"))
	v6, _ := Response(req, netip.MustParseAddrPort("[2001:db8::1]:40112"))
	f.Add(v4)
	f.Add(v6)
	f.Add(req)
	f.Add(v4[:len(v4)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := mapped(b)
		if err == nil {
			require.True(t, a.IsValid())
		}
	})
}
