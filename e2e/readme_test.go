package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/scenarios"
)

// TestReadme plays what the READMEs say one sees.
func TestReadme(t *testing.T) {
	l := start(t, "relay")
	for _, file := range []string{"../README.md", "../README.zh-CN.md"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		readme, err := scenarios.Parse(file, text)
		require.NoError(t, err)
		require.NotEmpty(t, readme.Steps())
		_, err = scenarios.Play(t.Context(), readme, scenarios.OnLab(l), scenarios.Options{})
		assert.NoError(t, err)
	}
}
