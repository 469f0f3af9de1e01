package scenarios_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/scenarios"
)

// TestReadmesListEveryScenario wants a row for each, in the catalogue's order and
// the lessons' own words.
func TestReadmesListEveryScenario(t *testing.T) {
	all, err := scenarios.BuiltIn()
	require.NoError(t, err)
	var english, chinese strings.Builder
	for _, s := range all {
		fmt.Fprintf(&english, "| %d | [%s](scenarios/%s/lesson.md) | %s |\n", s.Number, s.Name, s.Name, s.Question)
		fmt.Fprintf(&chinese, "| %d | [%s](scenarios/%s/lesson.zh.md) | %s |\n", s.Number, s.Name, s.Name, s.QuestionZh)
	}
	for file, rows := range map[string]string{"../README.md": english.String(), "../README.zh-CN.md": chinese.String()} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		found := regexp.MustCompile(`(?m)^\| \d+ \|.*\n`).FindAllString(string(text), -1)
		assert.Equal(t, rows, strings.Join(found, ""), "%s: its rows should be these", file)
	}
}
