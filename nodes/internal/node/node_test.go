package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPrintReadable(t *testing.T) {
	var out bytes.Buffer
	e := NewEvents(&out, Text)
	e.Print("connected", "10.5.1.10:40112 -> 198.18.5.10:50007")
	e.Print("reply", "Hello, world")
	e.Print("a-long-event-name", "text")
	e.Print("closed", "")
	assert.Equal(t, ""+
		"connected  10.5.1.10:40112 -> 198.18.5.10:50007\n"+
		"reply      Hello, world\n"+
		"a-long-event-name text\n"+
		"closed\n", out.String())
}

func TestPrintKeepsEventsOneLine(t *testing.T) {
	var out bytes.Buffer
	NewEvents(&out, Text).Print("reply", "two\nlines \x1b[2J 不要回答 \xff")
	assert.Equal(t, `reply      two\nlines \x1b[2J 不要回答 \xff`+"\n", out.String())
}

func TestPrintJSON(t *testing.T) {
	var out bytes.Buffer
	e := NewEvents(&out, JSON)
	e.Print("connected", "for people",
		slog.Any("local", netip.MustParseAddrPort("10.5.1.10:40112")), slog.Any("err", errors.New("no")))
	e.Print("told", "only text")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &got))
	assert.NotEmpty(t, got["time"])
	delete(got, "time")
	assert.Equal(t, map[string]any{"event": "connected", "local": "10.5.1.10:40112", "err": "no"}, got)
	got = nil
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &got))
	delete(got, "time")
	assert.Equal(t, map[string]any{"event": "told", "text": "only text"}, got)
}

func TestReadyIsPrintedOnce(t *testing.T) {
	var out bytes.Buffer
	e := NewEvents(&out, Text)
	e.Ready("echo")
	e.Ready("echo")
	assert.Equal(t, "ready      echo\n", out.String())
}

// countWriter keeps every Write apart.
type countWriter struct{ writes []string }

func (w *countWriter) Write(p []byte) (int, error) {
	w.writes = append(w.writes, string(p))
	return len(p), nil
}

func TestConcurrentEventsAreOneWriteEach(t *testing.T) {
	for _, format := range []Format{Text, JSON} {
		w := &countWriter{}
		e := NewEvents(w, format)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { e.Print("event", "text") })
		}
		wg.Wait()
		require.Len(t, w.writes, 50, format)
		for _, line := range w.writes {
			assert.Equal(t, 1, strings.Count(line, "\n"))
			assert.True(t, strings.HasSuffix(line, "\n"))
		}
	}
}

func TestQuoteNeverCutsACharacter(t *testing.T) {
	assert.Equal(t, `"short\n"`, Quote([]byte("short\n")))
	long := Quote([]byte("a" + strings.Repeat("回", 40)))
	assert.Equal(t, `"a`+strings.Repeat("回", 15)+`"…`, long)
	assert.NotPanics(t, func() { Quote(bytes.Repeat([]byte{0x80}, 100)) })
}

func TestBytes(t *testing.T) {
	assert.Equal(t, []string{"0 bytes", "1 byte", "12 bytes"}, []string{Bytes(0), Bytes(1), Bytes(12)})
}

func program() *cobra.Command {
	root := &cobra.Command{Use: "prog"}
	fail := &cobra.Command{
		Use: "fail", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return errors.Join(errors.New("one"), errors.New("two")) },
	}
	work := &cobra.Command{
		Use: "work N", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "bad" {
				return Usagef("%s: not a number", args[0])
			}
			From(cmd.Context()).Ready(args[0])
			return nil
		},
	}
	root.AddCommand(fail, work)
	return root
}

func TestRun(t *testing.T) {
	tests := []struct {
		args           string
		status         int
		stdout, stderr string
	}{
		{"work 1", 0, "ready      1\n", ""},
		{"work 1 --log text", 0, "ready      1\n", ""},
		{"fail", 1, "", "prog: one; two\n"},
		{"work bad", 2, "", "prog: bad: not a number (see: prog work --help)\n"},
		{"", 2, "", "prog: which command? Choose one of: fail, work (see: prog --help)\n"},
		{"wrok", 2, "", "prog: wrok: no such command; choose one of: fail, work (see: prog --help)\n"},
		{"work", 2, "", "prog: accepts 1 arg(s), received 0 (see: prog work --help)\n"},
		{"work 1 --loud", 2, "", "prog: unknown flag: --loud (see: prog work --help)\n"},
		{"work 1 --log xml", 2, "", `prog: invalid argument "xml" for "--log" flag: no such format; choose text or json (see: prog work --help)` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			status := Run(context.Background(), program(), strings.Fields(tt.args), &stdout, &stderr)
			assert.Equal(t, tt.status, status)
			assert.Equal(t, tt.stdout, stdout.String())
			assert.Equal(t, tt.stderr, stderr.String())
		})
	}
}
