package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/matrix"
)

// The tables that crosslan matrix prints: theory holds in every cell.
func TestMatrix(t *testing.T) {
	for _, transport := range []matrix.Transport{matrix.UDP, matrix.TCP} {
		t.Run(string(transport), func(t *testing.T) {
			l := start(t, transport.Scenario())
			o := matrix.Options{Transport: transport}
			cells, err := matrix.Run(t.Context(), l, o)
			require.NoError(t, err)
			assert.Len(t, cells, 81)
			assert.Equal(t, 57, matrix.Direct(cells))
			assert.Zero(t, matrix.Disagreeing(cells))
			if t.Failed() {
				assert.NoError(t, matrix.Print(t.Output(), cells, o, false))
			}
		})
	}
}
