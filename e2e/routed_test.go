package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRouted(t *testing.T) {
	l := start(t, "routed")
	playLesson(t, l, "routed")

	for _, way := range []struct{ from, local, to string }{
		{"host-a", "10.3.1.10", "10.3.2.10:50007"},
		{"host-b", "10.3.2.10", "10.3.1.10:50007"},
	} {
		t.Run("the server sees "+way.from+"'s own address", func(t *testing.T) {
			all, exit := events(t, l, way.from, "echo", way.to, "hi")
			assert.Zero(t, exit)
			observed := only(t, all, "observed").addr(t, "address")
			assert.Equal(t, way.local, observed.Addr().String())
			assert.Equal(t, only(t, all, "connected").addr(t, "getsockname"), observed)
		})
		t.Run("one router takes one off the TTL, from "+way.from, func(t *testing.T) {
			all, exit := events(t, l, way.from, "echo", "--udp", way.to, "hi")
			assert.Zero(t, exit)
			assert.EqualValues(t, 63, only(t, all, "reply")["ttl"])
			assert.Equal(t, only(t, all, "sent").addr(t, "getsockname"), only(t, all, "observed").addr(t, "address"))
		})
	}
}
