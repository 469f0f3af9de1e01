package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPortForward(t *testing.T) {
	l := start(t, "port-forward")
	playLesson(t, l, "port-forward")

	for name, way := range map[string][]string{"TCP": {"echo", "198.18.6.2:8080", "hi"}, "UDP": {"echo", "--udp", "198.18.6.2:8080", "hi"}} {
		t.Run("over "+name+" the server sees the client's own address", func(t *testing.T) {
			all, exit := events(t, l, "host-b", way...)
			assert.Zero(t, exit)
			assert.Equal(t, "hi", only(t, all, "reply").text("text"))
			assert.Equal(t, "198.18.6.10", only(t, all, "observed").addr(t, "address").Addr().String())
		})
	}
	t.Run("what is not forwarded stays closed", func(t *testing.T) {
		_, exit := events(t, l, "host-b", "upper", "--timeout", "1s", "198.18.6.2:8081", "hi")
		assert.Equal(t, 1, exit)
		_, exit = events(t, l, "host-a", "upper", "127.0.0.1:8081", "hi")
		assert.Zero(t, exit, "although the server runs")
	})
}
