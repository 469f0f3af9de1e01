package conformance

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serve listens on loopback and treats each connection as it is told, in a goroutine
// of its own.
func serve(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	handled := make(chan struct{}, 100)
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				for range n {
					<-handled
				}
				return
			}
			go func() {
				handle(c)
				c.Close()
				handled <- struct{}{}
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// failed are the results with an error, as lines.
func failed(t *testing.T, addr, service string) []string {
	t.Helper()
	results, err := Player{Timeout: time.Second, Pace: 50 * time.Microsecond}.Run(t.Context(), addr, service)
	require.NoError(t, err)
	require.NotEmpty(t, results)
	var lines []string
	for _, r := range results {
		if r.Err != nil {
			lines = append(lines, r.String())
		}
	}
	return lines
}

func TestAGoodServerPasses(t *testing.T) {
	assert.Empty(t, failed(t, serve(t, func(c net.Conn) { _, _ = io.Copy(c, c) }), "echo"))
	assert.Empty(t, failed(t, serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), "sink"))
}

// TestMistakesAreFound: each server has one mistake of the tutorials' readers.
func TestMistakesAreFound(t *testing.T) {
	for name, tt := range map[string]struct {
		service string
		handle  func(net.Conn)
		want    []string
	}{
		"one recv is taken for all": {"echo", func(c net.Conn) {
			b := make([]byte, 1024)
			n, _ := c.Read(b)
			_, _ = c.Write(b[:n])
			_, _ = io.Copy(io.Discard, c)
		}, []string{
			`echo: several messages, whole: step 4: got "", want "two": read tcp`,
			`echo: more than a chunk, merged: step 2: got "012345678901234567890123456789012345678901234567890123456789"… (1024 bytes), want "012345678901234567890123456789012345678901234567890123456789"… (1500 bytes): read tcp`,
		}},
		"a byte too many": {"echo", func(c net.Conn) {
			_, _ = io.Copy(c, c)
			_, _ = c.Write([]byte("!"))
		}, []string{`echo: nothing, whole: step 2: want the end of the stream: got "!", want ""`}},
		"another answer": {"echo", func(c net.Conn) {
			_, _ = io.Copy(c, &shouting{c})
		}, []string{`echo: a line, whole: step 2: got "HELLO, WORLD", want "Hello, world"`}},
		"a header without padding": {"file", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1024))
			_, _ = io.WriteString(c, `{"error": "cannot find conformance.none on server"}`)
		}, []string{`file: a missing file, whole: step 2: a header of 51 bytes; want 300`}},
		"other words": {"file", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1024))
			text := `{"error": "no"}`
			_, _ = io.WriteString(c, text+strings.Repeat(" ", headerSize-len(text)))
		}, []string{`file: a missing file, whole: step 2: the header is map[error:no]; want error: cannot find conformance.none on server`}},
		"no address on the page": {"http", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1024))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
		}, []string{`http: get, whole: step 2: the page does not name the observed address`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := strings.Join(failed(t, serve(t, tt.handle), tt.service), "\n")
			for _, want := range tt.want {
				assert.Contains(t, lines, want)
			}
		})
	}
}

// shouting is upper in the place of echo.
type shouting struct{ io.Reader }

func (s *shouting) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	copy(p, bytes.ToUpper(p[:n]))
	return n, err
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	results, err := Run(t.Context(), l.Addr().String(), "menu")
	require.NoError(t, err)
	for _, r := range results {
		assert.ErrorContains(t, r.Err, "connection refused")
	}
}

func TestErrors(t *testing.T) {
	_, err := Run(t.Context(), "127.0.0.1:1", "telnet")
	assert.ErrorIs(t, err, ErrService)
	assert.EqualError(t, err, "telnet: no such service; choose from: chat, echo, echo-udp, file, http, menu, reply, shell, shell-length, sink, upper")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Run(ctx, "127.0.0.1:1", "echo")
	assert.ErrorIs(t, err, context.Canceled)
}

// TestTables: every transcript can fail, since it ends with what the server must do,
// and says why where it is not played in all modes.
func TestTables(t *testing.T) {
	for _, service := range Services() {
		names := map[string]bool{}
		for _, tr := range Transcripts(service) {
			require.NotEmpty(t, tr.Steps, tr.Name)
			assert.NotNil(t, tr.Steps[len(tr.Steps)-1].Expect, "%s: %s", service, tr.Name)
			assert.False(t, names[tr.Name], "%s: two are called %s", service, tr.Name)
			names[tr.Name] = true
			for _, s := range tr.Steps {
				actions := 0
				for _, set := range []bool{s.Send != nil, s.End, s.Expect != nil} {
					if set {
						actions++
					}
				}
				assert.Equal(t, 1, actions, "%s: %s", service, tr.Name)
			}
			switch {
			case tr.Datagrams:
				assert.Equal(t, []Mode{Whole}, tr.modes())
			case tr.Alone != "":
				assert.Equal(t, []Mode{Whole, Split}, tr.modes())
			default:
				assert.Equal(t, []Mode{Whole, Merged, Split}, tr.modes())
			}
		}
	}
	assert.Nil(t, Transcripts("telnet"))
}

func TestMerge(t *testing.T) {
	steps := []Step{send("a"), expect("A"), on(1, send("x")), send("b"), end(), on(1, send("y"))}
	var got []string
	for _, s := range merge(steps) {
		got = append(got, string(rune('0'+s.Conn))+string(s.Send))
	}
	assert.Equal(t, []string{"0ab", "0", "1xy", "0"}, got)
}

func TestResultString(t *testing.T) {
	assert.Equal(t, "menu: exit, split: ok", Result{Service: "menu", Transcript: "exit", Mode: Split}.String())
	assert.Equal(t, "menu: exit, split: EOF", Result{Service: "menu", Transcript: "exit", Mode: Split, Err: io.EOF}.String())
}
