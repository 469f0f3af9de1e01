package scenarios_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTutorialsAreShown has each row of docs/tutorials.md keep its word: its scenarios
// and its tests are there, and what is seen in a lesson is in a line that is played.
func TestTutorialsAreShown(t *testing.T) {
	b, err := os.ReadFile("../docs/tutorials.md")
	require.NoError(t, err)
	link := regexp.MustCompile(`\[([^\]]+)\]\(([^)]+)\)`)
	rows := 0
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| from ") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		require.Len(t, cells, 4, line)
		for _, c := range cells {
			assert.NotEmpty(t, strings.TrimSpace(c), line)
		}
		what := strings.TrimSpace(cells[0])

		var played strings.Builder
		scenarios := link.FindAllStringSubmatch(cells[1], -1)
		assert.NotEmpty(t, scenarios, what)
		for _, s := range scenarios {
			assert.Equal(t, "../scenarios/"+s[1]+"/lesson.md", s[2], what)
			played.WriteString(consoles(t, filepath.Join(s[1], "lesson.md")))
		}
		seen := strings.Trim(strings.TrimSpace(cells[2]), "`")
		assert.Contains(t, played.String(), seen, "%s: it is in none of %s", what, cells[1])

		tests := link.FindAllStringSubmatch(cells[3], -1)
		assert.NotEmpty(t, tests, what)
		for _, s := range tests {
			source, err := os.ReadFile(filepath.Join("../docs", s[2]))
			assert.NoError(t, err, what)
			assert.Contains(t, string(source), "\nfunc "+s[1]+"(t *testing.T) {", "%s: %s", what, s[2])
		}
	}
	assert.Greater(t, rows, 80)
}

// consoles returns the console blocks of a lesson.
func consoles(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	assert.NoError(t, err)
	var text strings.Builder
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		text.WriteString(block[1])
	}
	return text.String()
}
