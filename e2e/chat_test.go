package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChat(t *testing.T) {
	l := start(t, "chat")
	playLesson(t, l, "chat")
	const server = "10.43.2.11:50008"

	t.Run("both ways at once, across the router", func(t *testing.T) {
		done := make(chan []event, 1)
		go func() {
			defer close(done)
			all, exit := events(t, l, "host-b", "chat", server, "--name=bob", "--say=from LAN B", "--until=from LAN A")
			assert.Zero(t, exit, "%v", all)
			done <- all
		}()
		ann, exit := events(t, l, "host-a", "chat", server, "--name=ann", "--say=from LAN A", "--until=from LAN B")
		require.Zero(t, exit, "%v", ann)
		bob := <-done
		require.NotNil(t, bob)
		assert.Equal(t, "bob: from LAN B", only(t, ann, "heard").text("text"))
		assert.Equal(t, "ann: from LAN A", only(t, bob, "heard").text("text"))
		// The server saw each under its own address.
		assert.Equal(t, []string{`16 bytes "ann: from LAN A\n"`}, logged(t, l, "server", "received", only(t, ann, "connected").text("getsockname")))
		assert.Equal(t, []string{`16 bytes "bob: from LAN B\n"`}, logged(t, l, "server", "received", only(t, bob, "connected").text("getsockname")))
	})
	t.Run("no call but poll waits", func(t *testing.T) {
		done := make(chan int, 1)
		go func() {
			defer close(done)
			_, exit := events(t, l, "host-b", "chat", server, "--when=one", "--say=two")
			done <- exit
		}()
		all, exit := events(t, l, "host-a", "chat", server, "--calls", "--say=one", "--until=two")
		require.Zero(t, exit, "%v", all)
		bob, ended := <-done
		require.True(t, ended)
		assert.Zero(t, bob)
		again := false
		for _, e := range all {
			again = again || e.name() == "call" && e.text("errno") == "EAGAIN"
		}
		assert.True(t, again, "recv went on until EAGAIN: %v", all)
	})
}
