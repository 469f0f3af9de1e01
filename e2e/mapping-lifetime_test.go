package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

func TestMappingLifetime(t *testing.T) {
	l := start(t, "mapping-lifetime")
	playLesson(t, l, "mapping-lifetime")

	t.Run("the kernel's own tracking ends with the mapping", func(t *testing.T) {
		// The server goes on sending to a mapping that is gone: were the flow still
		// tracked, it would get in all the same.
		all, exit := events(t, l, "host-a", "later", "--udp", "--bind", ":43000", "--patience", "1s", "198.18.10.10:50009", "5s", "late")
		assert.Equal(t, 1, exit, "%v", all)
		for _, m := range mappings(t, l, "nat-a") {
			assert.NotEqual(t, "10.10.1.10:43000", m.Inside)
		}
	})
	t.Run("what is held open keeps its outside port", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "later", "--udp", "--bind", ":43001", "198.18.10.10:50009", "5s", "held", "--keepalive", "1s")
		assert.Zero(t, exit, "%v", all)
		assert.Equal(t, "held", only(t, all, "reply").text("text"))
		found := false
		for _, m := range mappings(t, l, "nat-a") {
			found = found || m.Inside == "10.10.1.10:43001" && m.Outside == "198.18.10.2:43001"
		}
		assert.True(t, found)
	})
}

// A mapping is a row of a NAT's table.
type mapping struct {
	Protocol, Inside, Outside, Remote string
	Left                              float64
}

// mappings reads the table of a NAT.
func mappings(t *testing.T, l *lab.Lab, node string) []mapping {
	t.Helper()
	r, err := l.Node(node).Exec(t.Context(), "router", "show", "nat", "--json")
	require.NoError(t, err)
	require.Zero(t, r.ExitCode, r.Output)
	var shown struct{ NAT struct{ Mappings []mapping } }
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &shown))
	return shown.NAT.Mappings
}
