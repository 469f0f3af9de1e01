package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSameLAN(t *testing.T) {
	l := start(t, "same-lan")
	playLesson(t, l, "same-lan")

	t.Run("the server sees the client's own address", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "echo", "10.1.1.11:50007", "hi")
		assert.Zero(t, exit)
		connected := only(t, all, "connected")
		assert.Equal(t, connected.addr(t, "getsockname"), only(t, all, "observed").addr(t, "address"))
		assert.Equal(t, "10.1.1.11:50007", connected.text("getpeername"))
	})
	t.Run("over UDP too", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "echo", "--udp", "10.1.1.11:50007", "hi")
		assert.Zero(t, exit)
		assert.Equal(t, only(t, all, "sent").addr(t, "getsockname"), only(t, all, "observed").addr(t, "address"))
		assert.EqualValues(t, 64, only(t, all, "reply")["ttl"], "no router on the way")
	})
}
