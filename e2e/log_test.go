package e2e

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

// logLimit is how long logged waits before its test fails.
const logLimit = 20 * time.Second

// logged waits until the log of a server in node says that the connection from
// remote is closed, and returns what it says of that connection's events of one
// name: the text after the address.
func logged(t *testing.T, l *lab.Lab, node, event, remote string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), logLimit)
	defer cancel()
	c := &conversation{remote: remote, ended: cancel}
	err := l.Node(node).Logs(ctx, c, true)
	require.True(t, c.closed, "no end of %s in the log of %s (%v):\n%s", remote, node, err, c.lines)
	var texts []string
	for _, line := range c.lines {
		name, rest, _ := strings.Cut(line, " ")
		if name == event {
			_, text, _ := strings.Cut(rest, remote)
			texts = append(texts, strings.TrimSpace(text))
		}
	}
	return texts
}

// conversation is written a server's log, and keeps the lines about one client.
type conversation struct {
	remote string
	ended  func()

	rest   []byte
	lines  []string
	closed bool
}

func (c *conversation) Write(p []byte) (int, error) {
	c.rest = append(c.rest, p...)
	for !c.closed {
		line, rest, found := bytes.Cut(c.rest, []byte("\n"))
		if !found {
			break
		}
		c.rest = rest
		fields := strings.Fields(string(line))
		if len(fields) < 2 || fields[1] != c.remote {
			continue
		}
		c.lines = append(c.lines, string(line))
		if fields[0] == "closed" {
			c.closed = true
			c.ended()
		}
	}
	return len(p), nil
}
