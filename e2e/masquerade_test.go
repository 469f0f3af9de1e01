package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMasquerade(t *testing.T) {
	l := start(t, "masquerade")
	playLesson(t, l, "masquerade")

	const outside = "198.18.5.2"
	t.Run("the server sees the NAT, the socket its own address", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "echo", "198.18.5.10:50007", "hi")
		assert.Zero(t, exit)
		assert.Equal(t, "10.5.1.10", only(t, all, "connected").addr(t, "getsockname").Addr().String())
		assert.Equal(t, outside, only(t, all, "observed").addr(t, "address").Addr().String())
	})
	t.Run("two hosts with one source port get two outside ports", func(t *testing.T) {
		ports := make(map[uint16]string)
		for _, host := range []string{"host-a", "host-a2"} {
			all, exit := events(t, l, host, "echo", "--udp", "--bind", ":41000", "198.18.5.10:50007", "hi")
			assert.Zero(t, exit)
			observed := only(t, all, "observed").addr(t, "address")
			assert.Equal(t, outside, observed.Addr().String())
			assert.Empty(t, ports[observed.Port()], "%s has it too", observed)
			ports[observed.Port()] = host
		}
		assert.Contains(t, ports, uint16(41000), "the first keeps its port")
	})
	t.Run("the outside cannot begin", func(t *testing.T) {
		_, exit := events(t, l, "server", "echo", "--udp", "--timeout", "1s", outside+":41000", "hi")
		assert.Equal(t, 1, exit)
	})
}
