package images

import (
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// BenchmarkEnsureUpToDate is what every start of a lab pays.
func BenchmarkEnsureUpToDate(b *testing.B) {
	engine, err := client.New(client.FromEnv)
	require.NoError(b, err)
	defer func() { require.NoError(b, engine.Close()) }()
	_, err = Ensure(b.Context(), engine)
	require.NoError(b, err)
	for b.Loop() {
		image, err := Ensure(b.Context(), engine)
		require.NoError(b, err)
		require.False(b, image.Built)
	}
}
