package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDoubleNAT(t *testing.T) {
	l := start(t, "double-nat")
	playLesson(t, l, "double-nat")

	t.Run("both homes are seen at the carrier's address, at different ports", func(t *testing.T) {
		ports := make(map[uint16]bool)
		for _, host := range []string{"host-a", "host-b"} {
			all, exit := events(t, l, host, "echo", "--udp", "--bind", ":42000", "198.18.9.10:50007", "hi")
			require.Zero(t, exit, "%v", all)
			observed := only(t, all, "observed").addr(t, "address")
			assert.Equal(t, "198.18.9.2", observed.Addr().String())
			assert.False(t, ports[observed.Port()], "%v is the other home's", observed)
			ports[observed.Port()] = true
			assert.EqualValues(t, 62, only(t, all, "reply")["ttl"], "two routers on the way")
		}
	})
	t.Run("the home's forward works within the carrier's network only", func(t *testing.T) {
		all, exit := events(t, l, "host-b", "echo", "100.64.9.2:8080", "hi")
		require.Zero(t, exit, "%v", all)
		assert.Equal(t, "100.64.9.3", only(t, all, "observed").addr(t, "address").Addr().String(), "the other home's NAT")
		_, exit = events(t, l, "server", "echo", "--timeout", "1s", "198.18.9.2:8080", "hi")
		assert.Equal(t, 1, exit)
	})
}
