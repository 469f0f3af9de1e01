package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSocketAPI(t *testing.T) {
	l := start(t, "socket-api")
	playLesson(t, l, "socket-api")

	t.Run("the server accepts the address that the client has", func(t *testing.T) {
		b := begin(t, l, "host-a2", "api", "names")
		client, exit := events(t, l, "host-a", "api", "names", "10.31.1.11:50007")
		assert.Zero(t, exit)
		server, exit := b.wait()
		assert.Zero(t, exit)
		names := results(client, "getsockname")
		require.Len(t, names, 3)
		assert.Equal(t, "0.0.0.0:0", names[0], "no address before connect")
		assert.True(t, strings.HasPrefix(names[1], "10.31.1.10:"), names[1])
		assert.Equal(t, []string{"4 from " + names[1]}, results(server, "accept"))
		assert.Equal(t, []string{names[1]}, results(server, "getpeername"))
	})
	t.Run("what one sends the other receives", func(t *testing.T) {
		b := begin(t, l, "host-a2", "api", "tcp")
		client, exit := events(t, l, "host-a", "api", "tcp", "10.31.1.11:50007")
		assert.Zero(t, exit)
		server, exit := b.wait()
		assert.Zero(t, exit)
		assert.Equal(t, []string{`5 "hello"`, `0 ""`}, results(server, "recv"))
		assert.Equal(t, []string{`5 "HELLO"`}, results(client, "recv"))
	})
	t.Run("datagrams keep their boundaries", func(t *testing.T) {
		b := begin(t, l, "host-a2", "api", "udp")
		client, exit := events(t, l, "host-a", "api", "udp", "10.31.1.11:50007")
		assert.Zero(t, exit)
		server, exit := b.wait()
		assert.Zero(t, exit)
		from := strings.TrimPrefix(results(client, "getsockname")[1], "0.0.0.0")
		var got []string
		for _, r := range results(server, "recvfrom") {
			got = append(got, strings.ReplaceAll(r, "from 10.31.1.10"+from, "from the client"))
		}
		assert.Equal(t, []string{
			`3 "one" from the client`, `3 "two" from the client`, `5 "three" from the client`,
			`0 "" from the client`, `4 "0123" from the client`, `3 "bye" from the client`,
		}, got)
	})
	t.Run("connect_ex returns the errno, and Windows' beside it", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "api", "connect-errors", "10.31.1.11:8081", "10.31.1.11:8082", "10.31.1.99:8081")
		assert.Zero(t, exit)
		var errnos, windows []any
		for _, e := range calls(all, "connect_ex") {
			errnos, windows = append(errnos, e["errno"]), append(windows, e["windows"])
		}
		assert.Equal(t, []any{nil, 111.0, 113.0}, errnos)
		assert.Equal(t, []any{nil, 10061.0, 10065.0}, windows)
	})
}
