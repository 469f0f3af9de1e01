package e2e

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

const (
	turnRelay   = "198.18.13.20:3478"
	turnRelayed = "198.18.13.20:50013" // the one port that it lends
)

// asAlice adds her credentials to a command of client turn.
func asAlice(argv ...string) []string {
	return append(append([]string{"turn"}, argv...), "--user", "alice", "--password", "wonderland")
}

func TestTURN(t *testing.T) {
	l := start(t, "turn")
	playLesson(t, l, "turn")

	t.Run("a peer observes the relayed transport address", func(t *testing.T) {
		for _, way := range [][]string{nil, {"--channel"}, {"--tcp"}, {"--tcp", "--channel"}} {
			text := fmt.Sprint("observe me ", way)
			all, exit := events(t, l, "host-a", asAlice(append([]string{"echo", turnRelay, "198.18.13.10:50007", text}, way...)...)...)
			require.Zero(t, exit, "%v", all)
			assert.Equal(t, turnRelayed, only(t, all, "allocated").addr(t, "relayed").String())
			assert.Equal(t, "198.18.13.2", only(t, all, "observed").addr(t, "observed").Addr().String())
			assert.Equal(t, []string{turnRelayed}, sourcesOf(t, l, "server", text))
		}
	})
	t.Run("what must never be a peer is refused", func(t *testing.T) {
		for _, peer := range []string{
			"127.0.0.1:3478", "[::ffff:127.0.0.1]:3478", "0.0.0.0:3478", "[::ffff:0.0.0.0]:3478", "224.0.0.1:3478",
			"169.254.1.1:3478", "198.18.13.20:3478", "[::ffff:198.18.13.20]:3478", "198.18.13.255:3478", "255.255.255.255:3478",
		} {
			for _, way := range [][]string{nil, {"--channel"}} {
				all, exit := events(t, l, "host-a", asAlice(append([]string{"echo", turnRelay, peer, "hi"}, way...)...)...)
				assert.Equal(t, 1, exit, "%s %v", peer, way)
				assert.Contains(t, only(t, all, "error").text("text"), ": 403 Forbidden: ", "%s %v", peer, way)
			}
		}
	})
	t.Run("without a permission nothing passes", func(t *testing.T) {
		all, exit := events(t, l, "host-a", asAlice("echo", turnRelay, "198.18.13.10:50007", "smuggled", "--no-permission", "--timeout", "1s")...)
		assert.Equal(t, 1, exit, "%v", all)
		assert.Empty(t, sourcesOf(t, l, "server", "smuggled"))
	})
}

// sourcesOf returns where the datagrams came from that the log of an echo server in
// node has, and that say text.
func sourcesOf(t *testing.T, l *lab.Lab, node, text string) (sources []string) {
	t.Helper()
	var log bytes.Buffer
	require.NoError(t, l.Node(node).Logs(t.Context(), &log, false))
	for line := range strings.Lines(log.String()) {
		if fields := strings.Fields(line); fields[0] == "datagram" && strings.Contains(line, strconv.Quote(text)) {
			sources = append(sources, fields[1])
		}
	}
	return sources
}
