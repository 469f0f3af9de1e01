package lab_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

func TestDrawJoinsThePlacesOfANode(t *testing.T) {
	topology, err := lab.Load(t.Context(), "testdata/two-legs.yml")
	require.NoError(t, err)
	require.Equal(t, `lan-a  10.28.1.0/24
├─ host-a  10.28.1.10
└─ relay   10.28.1.20 ─┐
                       │
lan-b  10.28.2.0/24    │
├─ relay   10.28.2.20 ─┘
└─ host-b  10.28.2.10
`, topology.Draw())
}
