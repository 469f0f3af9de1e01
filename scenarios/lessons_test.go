package scenarios_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/scenarios"
)

// TestLessonsAreWellMade looks at every lesson without running it: the e2e tests
// do that.
func TestLessonsAreWellMade(t *testing.T) {
	all, err := scenarios.BuiltIn()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			english, err := scenarios.Open(t.Context(), s.Name, scenarios.English)
			require.NoError(t, err)
			chinese, err := scenarios.Open(t.Context(), s.Name, scenarios.Chinese)
			require.NoError(t, err)
			assert.NoError(t, scenarios.SameBlocks(english.Lesson, chinese.Lesson))

			drawn, line, ok := english.Lesson.Topology()
			require.True(t, ok, "no topology block")
			assert.Equal(t, strings.TrimSpace(english.Topology.Draw()), strings.TrimSpace(drawn), "%s:%d: crosslan show %s prints the drawing", english.Lesson.File, line, s.Name)
			assert.Equal(t, scenarios.Project(s.Name), english.Topology.Name, "name: in the Compose file")
			assert.True(t, failsSomewhere(english.Lesson), "no command that must fail")
		})
	}
}

// failsSomewhere reports whether the lesson has a negative control.
func failsSomewhere(l *scenarios.Lesson) bool {
	for _, step := range l.Steps() {
		if step.Exit != 0 {
			return true
		}
	}
	return false
}
