package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHalfClose(t *testing.T) {
	l := start(t, "half-close")
	playLesson(t, l, "half-close")

	t.Run("the answer arrives after shutdown", func(t *testing.T) {
		b := begin(t, l, "host-a2", "api", "half-close")
		client, exit := events(t, l, "host-a", "api", "half-close", "10.36.1.11:50007")
		assert.Zero(t, exit)
		server, exit := b.wait()
		assert.Zero(t, exit)
		assert.Equal(t, []string{`6 "onetwo"`, `0 ""`}, results(server, "recv"))
		assert.Equal(t, []string{"CLOSE_WAIT", "CLOSE_WAIT"}, results(server, "getsockopt"))
		assert.Equal(t, `38 "you said 6 bytes\nand I can still talk\n"`, results(client, "recv")[0])
		assert.Equal(t, []string{"3", "3", "-1, errno 32 EPIPE"}, results(client, "send"), "and the client may not speak")
	})
	t.Run("after close the server sees the same, until it answers", func(t *testing.T) {
		b := begin(t, l, "host-a2", "api", "half-close")
		_, exit := events(t, l, "host-a", "api", "half-close", "--how", "close", "10.36.1.11:50007")
		assert.Zero(t, exit)
		server, exit := b.wait()
		assert.Equal(t, 1, exit)
		assert.Equal(t, []string{`6 "onetwo"`, `0 ""`}, results(server, "recv"))
		assert.Equal(t, []string{"CLOSE_WAIT", "CLOSE"}, results(server, "getsockopt"))
		assert.Equal(t, []string{"38", "-1, errno 32 EPIPE"}, results(server, "send"))
	})
	t.Run("whoever closes first keeps TIME_WAIT", func(t *testing.T) {
		b := begin(t, l, "host-a2", "api", "close")
		client, exit := events(t, l, "host-a", "api", "close", "10.36.1.11:50007")
		assert.Zero(t, exit)
		server, exit := b.wait()
		assert.Zero(t, exit)
		// The connections end in four ways: the client first, the server first, RST, RST.
		// Of the last one, the server has no more to say.
		assert.Equal(t, []string{"TIME_WAIT", "none", "none", "none"}, results(client, "/proc/net/tcp"))
		assert.Equal(t, []string{"none", "TIME_WAIT", "none"}, results(server, "/proc/net/tcp"))
	})
	t.Run("a service that waits for the client's end answers", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "echo", "10.36.1.11:50008", "hi")
		assert.Zero(t, exit)
		assert.Equal(t, "hi", only(t, all, "reply").text("text"))
	})
}
