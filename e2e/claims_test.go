package e2e

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

func TestClaims(t *testing.T) {
	l := start(t, "claims")
	playLesson(t, l, "claims")

	t.Run("the server that is bound to 127.0.0.1 has seen nobody from outside", func(t *testing.T) {
		var log strings.Builder
		require.NoError(t, l.Node("host-a2").Logs(t.Context(), &log, false))
		assert.Contains(t, log.String(), "accepted   127.0.0.1:")
		assert.NotContains(t, log.String(), "accepted   10.47.1.10:")
	})
	t.Run("after listen(5) the kernel keeps six", func(t *testing.T) {
		busy := background(t, l, "host-a2", "server", "api", "backlog", ":50031", "--backlog=5")
		busy("ready")
		// The first is picked up, the others wait.
		hold(t, l, "host-a2", "127.0.0.1:50031")
		busy("accept(3)")
		for range 6 {
			hold(t, l, "host-a2", "127.0.0.1:50031")
		}
		all, exit := events(t, l, "host-a2", "connections", "--port=50031", "--state=LISTEN")
		require.Zero(t, exit)
		listens := only(t, all, "socket")
		assert.EqualValues(t, 5, listens["backlog"], "%v", listens)
		assert.EqualValues(t, 6, listens["waiting"], "%v", listens)
	})
}

// background runs a program in a node until the lab ends, and returns a function that
// waits for its next line that begins with a word.
func background(t *testing.T, l *lab.Lab, node string, argv ...string) (wait func(word string)) {
	t.Helper()
	out, in := io.Pipe()
	go func() {
		_, err := l.Node(node).Stream(t.Context(), lab.Streams{Stdout: in, Stderr: in}, argv...)
		in.CloseWithError(err)
	}()
	lines := bufio.NewScanner(out)
	return func(word string) {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), word) {
				return
			}
		}
		require.Fail(t, "the program has ended", "%v has not printed %s: %v", argv, word, lines.Err())
	}
}
