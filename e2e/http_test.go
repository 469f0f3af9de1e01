package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHTTP(t *testing.T) {
	l := start(t, "http")
	playLesson(t, l, "http")
	const server = "10.44.2.10:8000"

	// text joins what the events of one name say.
	text := func(all []event, name string) string {
		var b strings.Builder
		for _, e := range all {
			if e.name() == name {
				b.WriteString(strings.TrimRight(e.text("text"), "\r\n") + "\n")
			}
		}
		return b.String()
	}

	t.Run("the page names the observed address", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "http", server)
		require.Zero(t, exit, "%v", all)
		me := only(t, all, "connected").text("getsockname")
		assert.Contains(t, text(all, "body"), "This server sees you as "+me+".\n")
		assert.EqualValues(t, 200, only(t, all, "status")["status"])
		assert.Len(t, logged(t, l, "host-b", "received", me), 1)
	})
	t.Run("so does the one for browsers", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "http", server, "--accept=text/html")
		require.Zero(t, exit, "%v", all)
		me := only(t, all, "connected").text("getsockname")
		assert.Contains(t, text(all, "body"), "<h1>This server sees you as "+me+"</h1>\n")
	})
	t.Run("typed by hand it is the same page", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "type", server, "GET / HTTP/1.1", "Host: "+server, "Connection: close", "")
		require.Zero(t, exit, "%v", all)
		me := only(t, all, "connected").text("getsockname")
		head, body, found := strings.Cut(text(all, "received"), "\n\n")
		require.True(t, found)
		assert.True(t, strings.HasPrefix(head, "HTTP/1.1 200 OK\n"), head)
		assert.Equal(t, "This server sees you as "+me+".\nYour request was:\n\nGET / HTTP/1.1\nHost: "+server+"\nConnection: close\n\n", body)
	})
}
