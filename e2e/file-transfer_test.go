package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

func TestFileTransfer(t *testing.T) {
	l := start(t, "file-transfer")
	playLesson(t, l, "file-transfer")
	const server = "10.42.2.10:8086"

	t.Run("both ends compute the same digests", func(t *testing.T) {
		for _, args := range [][]string{{"post", "seen.bin", "--generate=3MB"}, {"get", "seen.bin", "--discard"}} {
			all, exit := events(t, l, "host-a", append([]string{"file", server}, args...)...)
			require.Zero(t, exit, "%v", all)
			me := only(t, all, "connected").text("getsockname")
			done := map[string]string{"post": "stored", "get": "served"}[args[0]]
			assert.Len(t, logged(t, l, "host-b", done, me), 1)
			for _, digest := range []string{"md5", "sha256"} {
				// The digest follows the transfer's own line in the server's log.
				assert.Equal(t, only(t, all, digest).text(digest), after(t, l, "host-b", fmt.Sprintf("%-10s %s", done, me), digest))
			}
		}
	})
	t.Run("what was fetched is kept as it was on the server", func(t *testing.T) {
		// A second post of what was fetched has the digests of the first.
		_, exit := events(t, l, "host-a", "file", server, "get", "seen.bin", "--to=/data")
		require.Zero(t, exit)
		first, _ := events(t, l, "host-a", "file", server, "get", "seen.bin", "--discard")
		second, exit := events(t, l, "host-a", "file", server, "post", "/data/seen.bin", "--name=again.bin")
		require.Zero(t, exit)
		assert.Equal(t, only(t, first, "sha256").text("sha256"), only(t, second, "sha256").text("sha256"))
		assert.EqualValues(t, 3_000_000, only(t, second, "posted")["bytes"])
	})
	t.Run("progress comes in tenths", func(t *testing.T) {
		all, _ := events(t, l, "host-a", "file", server, "get", "big.bin", "--discard")
		percent := 0.0
		for _, e := range all {
			if e.name() == "progress" {
				percent += 10
				assert.EqualValues(t, percent, e["percent"])
			}
		}
		assert.EqualValues(t, 100, percent)
	})
	t.Run("the server's memory does not grow with the file", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "shell", "10.42.2.10:8080", "grep VmHWM /proc/1/status")
		require.Zero(t, exit)
		fields := strings.Fields(only(t, all, "reply").text("text"))
		require.Len(t, fields, 3)
		kB, err := strconv.Atoi(fields[1])
		require.NoError(t, err)
		assert.Less(t, kB, 40_000, "after files of 100 MB")
	})
	t.Run("nothing of what was refused is left", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "shell", "10.42.2.10:8080", "find /data -type f; [ -e /evil ] || echo no /evil")
		require.Zero(t, exit)
		assert.Equal(t, "/data/again.bin\n/data/big.bin\n/data/notes.txt\n/data/seen.bin\nno /evil\n", only(t, all, "reply").text("text"))
	})
}

// after returns the second word of the first line of a log that begins with name,
// after the line that begins with begin.
func after(t *testing.T, l *lab.Lab, node, begin, name string) string {
	t.Helper()
	var log strings.Builder
	require.NoError(t, l.Node(node).Logs(t.Context(), &log, false))
	_, rest, found := strings.Cut(log.String(), begin)
	require.True(t, found, "no %q in the log of %s", begin, node)
	for line := range strings.Lines(rest) {
		if fields := strings.Fields(line); fields[0] == name {
			return fields[1]
		}
	}
	require.Fail(t, "no such event", "%s after %q in the log of %s", name, begin, node)
	return ""
}
