package probe

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// foreignName is the prober of somebody else, in a module that this one needs anyway.
const foreignName = "github.com/pion/stun/v3/cmd/stun-nat-behaviour"

// What this package measures is what a prober measures that is not ours, with our
// server and our NAT.
func TestForeignProber(t *testing.T) {
	t.Parallel()
	prober := filepath.Join(t.TempDir(), "prober")
	out, err := exec.Command("go", "build", "-o", prober, foreignName).CombinedOutput()
	require.NoError(t, err, string(out))
	l, k := newNATLab(t)
	mappings := map[nat.Mapping]string{
		nat.MapEndpointIndependent:     "=> NAT mapping behavior: endpoint independent\n",
		nat.MapAddressDependent:        "=> NAT mapping behavior: address dependent\n",
		nat.MapAddressAndPortDependent: "=> NAT mapping behavior: address and port dependent\n",
	}
	filterings := map[nat.Filtering]string{
		nat.FilterEndpointIndependent:     "=> NAT filtering behavior: endpoint independent\n",
		nat.FilterAddressDependent:        "=> NAT filtering behavior: address dependent\n",
		nat.FilterAddressAndPortDependent: "=> NAT filtering behavior: address and port dependent\n",
	}
	nine(t, func(t *testing.T, m nat.Mapping, f nat.Filtering) {
		c := config()
		c.Mapping, c.Filtering = m, f
		apply(t, k, c)
		var out bytes.Buffer
		cmd := exec.Command(prober, "-server", primary, "-timeout", "1", "-verbose", "0")
		cmd.Stdout, cmd.Stderr = &out, &out
		l.inside[0].Start(t, cmd)
		require.NoError(t, cmd.Wait(), out.String())
		assert.Contains(t, out.String(), mappings[m])
		assert.Contains(t, out.String(), filterings[f])
	})
}
