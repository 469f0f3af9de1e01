package e2e

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPortMapping(t *testing.T) {
	l := start(t, "port-mapping")
	playLesson(t, l, "port-mapping")

	public := netip.MustParseAddr("198.18.16.2")
	for protocol, port := range map[string]string{"pcp": "9001", "nat-pmp": "9002", "upnp": "9003"} {
		t.Run("a port that "+protocol+" opens leads to the host that asked", func(t *testing.T) {
			_, exit := events(t, l, "host-b", "echo", "--timeout", "1s", "198.18.16.2:"+port, "hi")
			require.Equal(t, 1, exit, "closed before")

			all, exit := events(t, l, "host-a", "port-map", "--protocol", protocol, "--lifetime", "30s", "tcp", "50007", port)
			require.Zero(t, exit, "%v", all)
			outside := only(t, all, "outside").addr(t, "address")
			assert.Equal(t, public, outside.Addr())
			assert.InDelta(t, 30, only(t, all, "lifetime")["seconds"], 5, "UPnP tells what is left")
			all, exit = events(t, l, "host-b", "echo", outside.String(), "hi")
			require.Zero(t, exit, "%v", all)
			assert.Equal(t, "198.18.16.10", only(t, all, "observed").addr(t, "address").Addr().String(), "the server sees host-b itself")

			all, exit = events(t, l, "host-a", "port-map", "delete", "--protocol", protocol, "tcp", "50007", port)
			require.Zero(t, exit, "%v", all)
			_, exit = events(t, l, "host-b", "echo", "--timeout", "1s", outside.String(), "hi")
			assert.Equal(t, 1, exit, "closed again")
		})
	}
	t.Run("a restart of the router ends leases and begins an epoch", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "port-map", "tcp", "50007")
		require.Zero(t, exit, "%v", all)
		r, err := l.Node("nat-a").Exec(t.Context(), "router", "flush")
		require.NoError(t, err)
		require.Zero(t, r.ExitCode, r.Stderr)
		_, exit = events(t, l, "host-b", "echo", "--timeout", "1s", "198.18.16.2:50007", "hi")
		assert.Equal(t, 1, exit)
		all, exit = events(t, l, "host-a", "port-map", "tcp", "50007")
		require.Zero(t, exit, "%v", all)
		assert.Less(t, only(t, all, "gateway")["epoch"], 10.0)
	})
}
