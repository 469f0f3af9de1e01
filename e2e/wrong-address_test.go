package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWrongAddress(t *testing.T) {
	l := start(t, "wrong-address")
	playLesson(t, l, "wrong-address")

	t.Run("a server on 127.0.0.1 serves its own host only", func(t *testing.T) {
		_, exit := events(t, l, "host-a2", "echo", "127.0.0.1:50007", "hi")
		assert.Zero(t, exit)
		all, exit := events(t, l, "host-a", "echo", "10.38.1.11:50007", "hi")
		assert.Equal(t, 1, exit)
		assert.Contains(t, only(t, all, "error").text("text"), "ECONNREFUSED (111)")
	})
	t.Run("its own address does not reach it on its own host either", func(t *testing.T) {
		all, exit := events(t, l, "host-a2", "echo", "10.38.1.11:50007", "hi")
		assert.Equal(t, 1, exit, "it is bound to one address, not to one host: %v", all)
	})
	t.Run("a server on 0.0.0.0 serves both, and sees who asks", func(t *testing.T) {
		for node, local := range map[string]string{"host-a": "10.38.1.10", "host-a2": "10.38.1.11"} {
			all, exit := events(t, l, node, "upper", "10.38.1.11:8081", "hi")
			assert.Zero(t, exit)
			assert.Equal(t, local, only(t, all, "observed").addr(t, "address").Addr().String())
		}
	})
}
