package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIPv6(t *testing.T) {
	l := start(t, "ipv6")
	playLesson(t, l, "ipv6")

	const hostA, hostB = "2001:db8:17:1::10", "2001:db8:17:ff::10"
	t.Run("nothing is translated", func(t *testing.T) {
		for _, transport := range []string{"--udp", "--udp=false"} {
			all, exit := events(t, l, "host-a", "echo", transport, "--bind", "[::]:44000", "["+hostB+"]:50007", "hi")
			require.Zero(t, exit, "%v", all)
			observed := only(t, all, "observed").addr(t, "address")
			assert.Equal(t, hostA, observed.Addr().String())
			assert.EqualValues(t, 44000, observed.Port())
		}
	})
	t.Run("the pinhole is open, its neighbour is not", func(t *testing.T) {
		all, exit := events(t, l, "host-b", "upper", "["+hostA+"]:8081", "hi")
		require.Zero(t, exit, "%v", all)
		assert.Equal(t, hostB, only(t, all, "observed").addr(t, "address").Addr().String())
		_, exit = events(t, l, "host-b", "echo", "--timeout", "1s", "["+hostA+"]:50007", "hi")
		assert.Equal(t, 1, exit)
	})
}
