package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/lab"
)

// behaviours are RFC 4787's, of mapping and of filtering.
var behaviours = []string{"endpoint-independent", "address-dependent", "address-and-port-dependent"}

// measured is what client probe nat found out.
type measured struct {
	UDP, TCP struct{ Mapping, Filtering, RFC3489 string }
}

func TestNATTypes(t *testing.T) {
	l := start(t, "nat-types")
	playLesson(t, l, "nat-types")

	before := startedAt(t, l, "nat-a")
	for _, mapping := range behaviours {
		for _, filtering := range behaviours {
			t.Run(mapping+" mapping, "+filtering+" filtering", func(t *testing.T) {
				r, err := l.Node("nat-a").Exec(t.Context(), "router", "set", "--mapping", mapping, "--filtering", filtering)
				require.NoError(t, err)
				require.Zero(t, r.ExitCode, r.Output)
				// Both inner hosts use the same source ports at once.
				both := make([]measured, 2)
				var group errgroup.Group
				for i, host := range []string{"host-a", "host-a2"} {
					group.Go(func() (err error) {
						both[i], err = probeNAT(t, l, host, "--bind", ":45000")
						return err
					})
				}
				require.NoError(t, group.Wait())
				for _, m := range both {
					assert.Equal(t, mapping, m.UDP.Mapping)
					assert.Equal(t, mapping, m.TCP.Mapping)
					assert.Equal(t, filtering, m.UDP.Filtering)
					assert.Equal(t, filtering, m.TCP.Filtering)
				}
			})
		}
	}
	assert.Equal(t, before, startedAt(t, l, "nat-a"), "no container was restarted")
}

func probeNAT(t *testing.T, l *lab.Lab, host string, args ...string) (m measured, err error) {
	argv := append([]string{"client", "probe", "nat", "198.18.7.10:3478", "--json"}, args...)
	r, err := l.Node(host).Exec(t.Context(), argv...)
	if err != nil {
		return m, err
	}
	if r.ExitCode != 0 {
		return m, fmt.Errorf("%s: %s", host, r.Output)
	}
	return m, json.Unmarshal([]byte(r.Stdout), &m)
}

// startedAt is when the node's container was started.
func startedAt(t *testing.T, l *lab.Lab, node string) time.Time {
	t.Helper()
	at, err := l.Node(node).StartedAt(t.Context())
	require.NoError(t, err)
	return at
}
