package api

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// conversation is a topic as its transcripts in testdata have it.
type conversation struct {
	name           string    // of the transcripts: NAME.client.txt and NAME.server.txt
	client, server string    // the command lines without ADDR; no server for a topic of one process
	caps           []uintptr // capabilities of the client; they take root
}

var conversations = []conversation{
	{"tcp", "client api tcp", "server api tcp", nil},
	{"udp", "client api udp", "server api udp", nil},
	{"names", "client api names", "server api names", nil},
	{"connect-errors", "client api connect-errors", "", nil},
	{"errors", "client api errors", "", nil},
	{"types", "client api types", "", nil},
	{"raw", "client api raw", "", nil},
	{"options", "client api options", "", nil},
	{"non-blocking", "client api non-blocking", "server api non-blocking", nil},
	{"loop", "client api loop", "server api loop", nil},
	{"stream", "client api stream", "server api stream", nil},
	{"flags", "client api flags", "server api flags", nil},
	{"makefile", "client api makefile", "server api makefile", nil},
	{"buffers", "client api buffers", "server api buffers", nil},
	{"half-close", "client api half-close", "server api half-close", nil},
	{"close", "client api close", "server api close", nil},
	{"segments", "client api segments", "server api segments", nil},
	{"reuse", "client api reuse", "", nil},
	{"backlog", "client api backlog", "server api backlog", nil},
	{"backlog-5", "client api backlog", "server api backlog --backlog 5", nil},
	{"vanished-close", "client api vanished", "server api vanished", nil},
	{"vanished-reset", "client api vanished --how reset", "server api vanished --watch send", nil},
	{"vanished-watched", "client api vanished --how reset", "server api vanished --watch nothing", nil},
	{"checksum", "client api checksum", "server api checksum", nil},
	{"raw-allowed", "client api raw", "", []uintptr{unix.CAP_NET_RAW}},
	{"checksum-allowed", "client api checksum", "server api checksum", []uintptr{unix.CAP_NET_RAW}},
}

// inParallel lets a topic run beside others, unless it reads a counter that is for all.
func (c conversation) inParallel(t *testing.T) {
	if !strings.HasPrefix(c.name, "checksum") {
		t.Parallel()
	}
}

// converse runs both sides, and returns what they print. A flag for both may be
// given.
func (c conversation) converse(t *testing.T, both string) (client, server string) {
	t.Helper()
	if c.caps != nil {
		needRoot(t)
	}
	if c.server == "" {
		return run(t, c.client+" "+both, c.caps...), ""
	}
	s := start(t, c.server+" 127.0.0.1:0 "+both)
	client = run(t, c.client+" "+s.ready(t).String()+" "+both, c.caps...)
	server, status := s.wait(t)
	require.Zero(t, status, "%s\n%s%s", c.server, server, &s.errors)
	return client, server
}

// TestTranscripts runs every topic for real, and compares each line of both sides
// with the transcript, in which … stands for what differs from run to run.
func TestTranscripts(t *testing.T) {
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			c.inParallel(t)
			client, server := c.converse(t, "")
			matches(t, transcript(t, c.name+".client.txt"), client)
			if c.server != "" {
				matches(t, transcript(t, c.name+".server.txt"), server)
			}
		})
	}
}

// TestChinese has the same calls with the same results in Chinese, and a note in
// Chinese wherever there is one in English.
func TestChinese(t *testing.T) {
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			c.inParallel(t)
			client, server := c.converse(t, "--lang zh")
			matches(t, withoutNotes(transcript(t, c.name+".client.txt")), client)
			inChinese(t, client)
			if c.server != "" {
				matches(t, withoutNotes(transcript(t, c.name+".server.txt")), server)
				inChinese(t, server)
			}
		})
	}
}

func transcript(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

// matches compares what was printed with a transcript, whose lines of … alone stand
// for any number of lines.
func matches(t *testing.T, want []string, got string) {
	t.Helper()
	var pattern strings.Builder
	for _, line := range want {
		if line == "…" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + `\n`)
	}
	if !regexp.MustCompile(`\A` + pattern.String() + `\z`).MatchString(got) {
		assert.Equal(t, strings.Join(want, "\n")+"\n", got, "… stands for any text")
	}
}

// note is what stands behind a call.
var note = regexp.MustCompile(`^( *\S.*?)  +(\S.*)$`)

// withoutNotes makes a transcript of one in English whose notes may be any.
func withoutNotes(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		switch m := note.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "# "):
			line = "# …"
		case m != nil && !strings.HasPrefix(line, "ready "):
			line = m[1] + "  …"
		}
		out[i] = line
	}
	return out
}

// inChinese asserts that all notes are.
func inChinese(t *testing.T, got string) {
	t.Helper()
	for line := range strings.Lines(got) {
		line = strings.TrimSuffix(line, "\n")
		words := ""
		if text, ok := strings.CutPrefix(line, "# "); ok {
			words = text
		} else if m := note.FindStringSubmatch(line); m != nil && !strings.HasPrefix(line, "ready ") {
			words = m[2]
		}
		if words != "" && !international[words] {
			assert.True(t, strings.ContainsFunc(words, isHan), "no Chinese: %s", line)
		}
	}
}

// international are the notes that need no translation.
var international = map[string]bool{"FIN": true}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// needRoot skips a test that cannot give a program a capability; in CI it must.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("giving a program a capability needs root, and CI must run as root")
	}
	t.Skip("giving a program a capability needs root: run as root to include this test")
}

// TestSendBlocks has a send that returns only when the server has begun to read.
func TestSendBlocks(t *testing.T) {
	t.Parallel()
	c := conversation{client: "client api buffers", server: "server api buffers"}
	out, _ := c.converse(t, "")
	m := regexp.MustCompile(`\n  send\(3, \d+ bytes\) = \d+ after ([\d.]+) s\n`).FindStringSubmatch(out)
	require.NotNil(t, m, out)
	took, err := strconv.ParseFloat(m[1], 64)
	require.NoError(t, err)
	// The rest of the server's 2.5 s went by while the client saw its buffer full.
	assert.Greater(t, took, 0.1)
}
