package lab_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

// declaring is the scenario nat-types in a part of the address plan that no scenario
// has, whose router declares the given kind.
func declaring(t *testing.T, nat string) (*lab.Topology, error) {
	t.Helper()
	content, err := os.ReadFile("../compose/nat-types.yml")
	require.NoError(t, err)
	yaml := strings.NewReplacer(
		"crosslan-nat-types", "crosslan-test-proof",
		"10.7.1.", "10.236.1.", "198.18.7.", "198.18.236.", "198.19.7.", "198.19.236.",
		"  nat-a:\n", "  nat-a:\n    x-crosslan: {nat: "+nat+"}\n",
	).Replace(string(content))
	return lab.LoadBytes(t.Context(), "proof.yml", []byte(yaml))
}

func TestANATThatIsWhatItDeclaresStarts(t *testing.T) {
	topology, err := declaring(t, `{mapping: endpoint-independent, filtering: endpoint-independent, from: host-a, stun: "198.18.236.10:3478"}`)
	require.NoError(t, err)
	l, err := lab.Start(t.Context(), topology)
	require.NoError(t, err)
	require.NoError(t, l.Stop(t.Context()))
}

func TestANATThatMeasuresAsAnotherFailsTheLab(t *testing.T) {
	topology, err := declaring(t, `{mapping: endpoint-independent, filtering: address-dependent, from: host-a, stun: "198.18.236.10:3478"}`)
	require.NoError(t, err)
	_, err = lab.Start(t.Context(), topology)
	require.ErrorContains(t, err, "node nat-a: it declares endpoint-independent mapping and address-dependent filtering, and measures for ")
	assert.ErrorContains(t, err, "as endpoint-independent mapping and endpoint-independent filtering")
	assert.Empty(t, remains(t, topology.Name))
}

func TestADeclarationThatCannotBeProvenIsNamed(t *testing.T) {
	for nat, says := range map[string]string{
		`{mapping: full-cone, filtering: address-dependent, from: host-a, stun: "198.18.236.10:3478"}`:               `mapping "full-cone" does not exist`,
		`{mapping: endpoint-independent, filtering: endpoint-independent}`:                                           "name from",
		`{mapping: endpoint-independent, filtering: endpoint-independent, from: nobody, stun: "198.18.236.10:3478"}`: `no service "nobody"`,
		`{mapping: endpoint-independent, filtering: endpoint-independent, from: host-a, stan: "198.18.236.10:3478"}`: "stan",
		`address-dependent`: "nat must be a mapping",
	} {
		_, err := declaring(t, nat)
		assert.ErrorContains(t, err, says)
	}
}
