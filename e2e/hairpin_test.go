package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHairpin(t *testing.T) {
	l := start(t, "hairpin")
	playLesson(t, l, "hairpin")

	const public = "198.18.8.2:8080"
	set := func(flag string) {
		r, err := l.Node("nat-a").Exec(t.Context(), "router", "set", flag)
		require.NoError(t, err)
		require.Zero(t, r.ExitCode, r.Output)
	}
	// Under every filtering, since each finds its permission in another way.
	for _, filtering := range []string{"endpoint-independent", "address-dependent", "address-and-port-dependent"} {
		for _, transport := range []string{"--udp", "--udp=false"} {
			t.Run(filtering+" "+transport, func(t *testing.T) {
				set("--filtering=" + filtering)
				set("--hairpin=true")
				all, exit := events(t, l, "host-a", "echo", transport, public, "hi")
				require.Zero(t, exit, "%v", all)
				assert.Equal(t, "198.18.8.2", only(t, all, "observed").addr(t, "address").Addr().String(), "the external source, RFC 4787 REQ-9a")

				set("--hairpin=false")
				_, exit = events(t, l, "host-a", "echo", transport, "--timeout", "2s", public, "hi")
				assert.Equal(t, 1, exit)
				_, exit = events(t, l, "host-b", "echo", transport, public, "hi")
				assert.Zero(t, exit, "from outside it works all the same")
			})
		}
	}
}
