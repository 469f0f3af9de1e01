package service

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func hear(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	return line
}

func TestChatOfThree(t *testing.T) {
	server := run(t, Options{}, "chat=127.0.0.1:0")
	var conns [3]net.Conn
	var ears [3]*bufio.Reader
	for i := range conns {
		conns[i] = server.dial(t, "chat tcp")
		ears[i] = bufio.NewReader(conns[i])
		server.log.Wait(t, "accepted   "+conns[i].LocalAddr().String())
	}
	// The last one is in the room once it has said something that the others hear.
	say(t, conns[2], "in\n")
	assert.Equal(t, "in\n", hear(t, ears[0]))
	assert.Equal(t, "in\n", hear(t, ears[1]))
	say(t, conns[0], "one\r\n\n\ntwo\n")
	for _, r := range ears[1:] {
		assert.Equal(t, "one\n", hear(t, r))
		assert.Equal(t, "two\n", hear(t, r))
	}
}

func TestALineThatIsNotUTF8(t *testing.T) {
	server := run(t, Options{}, "chat=127.0.0.1:0")
	a, b := server.dial(t, "chat tcp"), server.dial(t, "chat tcp")
	say(t, a, "bad \xff\ngood\n")
	assert.Equal(t, "chat: that was not UTF-8 and was not passed on\n", hear(t, bufio.NewReader(a)))
	assert.Equal(t, "good\n", hear(t, bufio.NewReader(b)))
	server.log.Wait(t, "refused    "+a.LocalAddr().String()+` "bad \xff": that was not UTF-8`)
}

// TestALineTooLong is cut between two characters.
func TestALineTooLong(t *testing.T) {
	server := run(t, Options{}, "chat=127.0.0.1:0")
	a, b := server.dial(t, "chat tcp"), server.dial(t, "chat tcp")
	long := "x" + strings.Repeat("长", 1000)
	say(t, a, long+"\n")
	r := bufio.NewReader(b)
	got := ""
	for len(got) < len(long) {
		line := strings.TrimSuffix(hear(t, r), "\n")
		assert.True(t, utf8.ValidString(line))
		got += line
	}
	assert.Equal(t, long, got)
}

// TestAClientThatDoesNotRead is dropped, and the others talk on.
func TestAClientThatDoesNotRead(t *testing.T) {
	server := run(t, Options{Quiet: false}, "chat=127.0.0.1:0")
	deaf := server.dial(t, "chat tcp")
	require.NoError(t, deaf.(*net.TCPConn).SetReadBuffer(4096))
	say(t, deaf, "here\n")
	a := server.dial(t, "chat tcp")
	assert.Equal(t, "here\n", hear(t, bufio.NewReader(a)))
	talked := make(chan error, 1)
	go func() {
		_, err := io.Copy(a, io.LimitReader(endlessLines{}, 64<<20))
		talked <- err
	}()
	server.log.Wait(t, "closed     "+deaf.LocalAddr().String()+" it does not read what the others say\n")
	require.NoError(t, server.stop())
	assert.Error(t, <-talked)
}

// endlessLines is lines of 1000 characters without end.
type endlessLines struct{}

func (endlessLines) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
		if i%1000 == 999 {
			p[i] = '\n'
		}
	}
	return len(p), nil
}

func FuzzLineEnd(f *testing.F) {
	for _, seed := range []string{"a\nb", strings.Repeat("长", 400), "x" + strings.Repeat("长", 400), strings.Repeat("\x80", 1024), strings.Repeat("\xe9", 1024)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), requestSize)]
		end := lineEnd(b)
		require.LessOrEqual(t, end, len(b))
		if len(b) == requestSize {
			require.Positive(t, end, "a full buffer must give something")
		}
		if end > 0 && utf8.Valid(b) {
			assert.True(t, utf8.Valid(b[:end]))
		}
	})
}
