package e2e

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

func TestReverseTunnel(t *testing.T) {
	l := start(t, "reverse-tunnel")
	playLesson(t, l, "reverse-tunnel")

	// The lesson ends with the tunnel closed.
	require.NoError(t, l.Node("host-a2").Restart(t.Context()))
	waitLogged(t, l, "host-a2", "ready ", 2)

	t.Run("no way in without it", func(t *testing.T) {
		all, exit := events(t, l, "host-b", "echo", "--timeout=1s", "198.18.14.2:50007", "hi")
		assert.NotZero(t, exit)
		assert.Contains(t, only(t, all, "error").text("text"), "no answer within 1 s")
	})
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport+" arrives, and each side sees who it should", func(t *testing.T) {
			argv := []string{"echo", "198.18.14.20:50007", "hi"}
			if transport == "udp" {
				argv = append(argv, "--udp")
			}
			all, exit := events(t, l, "host-b", argv...)
			require.Zero(t, exit, "%v", all)
			assert.Equal(t, "hi", only(t, all, "reply").text("text"))
			// The server sees the end of the tunnel, the relay's log names the caller.
			assert.Equal(t, "10.14.1.11", only(t, all, "observed").addr(t, "address").Addr().String())
			waitLogged(t, l, "relay", "accepted   "+transport+" 198.18.14.3:", 1)
			assert.NotContains(t, logOf(t, l, "host-a"), "198.18.14.3", "the server never hears of the caller")
		})
	}
	t.Run("a page of many bytes crosses it", func(t *testing.T) {
		all, exit := events(t, l, "host-b", "http", "198.18.14.20:8000")
		require.Zero(t, exit, "%v", all)
	})
	t.Run("the NAT has let nobody in", func(t *testing.T) {
		for _, m := range mappings(t, l, "nat-a") {
			assert.NotContains(t, m.Inside, "10.14.1.10:50007", "no mapping of the server's port")
		}
	})
	t.Run("the relay restarts under it", func(t *testing.T) {
		before := strings.Count(logOf(t, l, "host-a2"), "\nlost ")
		require.NoError(t, l.Node("relay").Restart(t.Context()))
		waitLogged(t, l, "host-a2", "lost ", before+1)
		require.Eventually(t, func() bool {
			_, exit := events(t, l, "host-b", "echo", "198.18.14.20:50007", "hi")
			return exit == 0
		}, logLimit, time.Millisecond)
	})
}

// logOf is the log of a node so far.
func logOf(t *testing.T, l *lab.Lab, node string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, l.Node(node).Logs(t.Context(), &b, false))
	return b.String()
}

// waitLogged waits until at least n lines of a node's log begin with prefix.
func waitLogged(t *testing.T, l *lab.Lab, node, prefix string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), logLimit)
	defer cancel()
	w := &lineCounter{prefix: prefix, want: n, enough: cancel}
	err := l.Node(node).Logs(ctx, w, true)
	require.GreaterOrEqual(t, w.seen, n, "lines %q in the log of %s (%v):\n%s", prefix, node, err, w.all.String())
}

// lineCounter is written a log.
type lineCounter struct {
	prefix     string
	want, seen int
	enough     func()
	all        bytes.Buffer
}

func (c *lineCounter) Write(p []byte) (int, error) {
	c.all.Write(p)
	c.seen = 0
	for line := range strings.Lines(c.all.String()) {
		if strings.HasPrefix(line, c.prefix) {
			c.seen++
		}
	}
	if c.seen >= c.want {
		c.enough()
	}
	return len(p), nil
}
