package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

func TestHandshake(t *testing.T) {
	l := start(t, "handshake")
	playLesson(t, l, "handshake")

	t.Run("connect, five bytes each way, close", func(t *testing.T) {
		packets := captured(t, l, "capture", []string{"--tcp", "--port", "8081", "--until", "fin"}, "upper", "10.30.2.10:8081", "hello")
		require.GreaterOrEqual(t, len(packets), 3)
		assert.Equal(t, []any{"SYN"}, packets[0]["flags"])
		assert.Equal(t, []any{"SYN", "ACK"}, packets[1]["flags"])
		assert.Equal(t, []any{"ACK"}, packets[2]["flags"])
		client, server := packets[0].text("source"), packets[0].text("destination")
		assert.Equal(t, "10.30.2.10:8081", server)
		assert.Equal(t, "10.30.1.10", packets[0].addr(t, "source").Addr().String(), "a router changes no address")
		said := map[string]string{}
		fins := map[string]int{}
		for i, p := range packets {
			if i < 3 {
				assert.Empty(t, p.text("payload"), "nothing is carried before the third packet")
			}
			said[p.text("source")] += p.text("payload")
			for _, f := range p["flags"].([]any) {
				if f == "FIN" {
					fins[p.text("source")]++
				}
			}
		}
		assert.Equal(t, "hello", said[client][:5])
		assert.Equal(t, "HELLO", said[server][:5])
		assert.Equal(t, map[string]int{client: 1, server: 1}, fins, "each end says once that it has no more to say")
	})

	t.Run("nobody listens", func(t *testing.T) {
		packets := captured(t, l, "capture", []string{"--tcp", "--port", "8082", "--count", "2"}, "upper", "10.30.2.10:8082", "hello")
		require.Len(t, packets, 2)
		assert.Equal(t, []any{"SYN"}, packets[0]["flags"])
		assert.Equal(t, []any{"RST", "ACK"}, packets[1]["flags"])
		assert.Equal(t, "10.30.2.10:8082", packets[1].text("source"))
	})
}

// captured runs a client command in host-a and returns the packets that a helper has
// seen, when its capture has ended by itself.
func captured(t *testing.T, l *lab.Lab, helper string, capture []string, argv ...string) []event {
	t.Helper()
	out, in := io.Pipe()
	go func() {
		_, err := l.Node(helper).Stream(t.Context(), lab.Streams{Stdout: in}, append([]string{"client", "--log", "json", "capture"}, capture...)...)
		in.CloseWithError(err)
	}()
	var packets []event
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var e event
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e), "%s", lines.Text())
		switch e.name() {
		case "ready":
			_, err := l.Node("host-a").Exec(t.Context(), append([]string{"client"}, argv...)...)
			require.NoError(t, err)
		case "packet":
			packets = append(packets, e)
		}
	}
	require.NoError(t, lines.Err())
	return packets
}
