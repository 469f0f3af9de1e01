package matrix

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/theory"
)

// asExpected are the cells of a measurement with which theory agrees.
func asExpected() []Cell {
	var cells []Cell
	for _, a := range theory.Kinds() {
		for _, b := range theory.Kinds() {
			path := theory.Punch(a, b, theory.Linux).Path
			cells = append(cells, Cell{a, b, path, path})
		}
	}
	return cells
}

func TestPrint(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Print(&b, asExpected(), Options{Transport: UDP}, false))
	want, err := os.ReadFile(filepath.Join("testdata", "udp.txt"))
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "- ") {
			assert.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 80, "%s", line)
		}
	}
}

func TestPrintDisagreement(t *testing.T) {
	cells := asExpected()
	cells[1].Path = theory.Relayed
	var b strings.Builder
	require.NoError(t, Print(&b, cells, Options{Transport: TCP}, true))
	assert.Contains(t, b.String(), "\x1b[1;31mrelay!\x1b[0m", "red")
	assert.Contains(t, b.String(), "\x1b[32mdirect\x1b[0m", "green")
	assert.Contains(t, b.String(), "56 of 81 pairs talk directly, 25 need a relay.\nTheory disagrees in 1 of 81 cells, marked with !:\n- nat-a EI/EI, nat-b EI/AD: relayed, by theory direct\n")
}

// Wherever the table is shown, it is this one.
func TestShownTables(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Print(&b, asExpected(), Options{Transport: UDP}, false))
	table := strings.Split(b.String(), "\n\n")[1]
	for _, file := range []string{
		"README.md", "README.zh-CN.md",
		"scenarios/hole-punch-udp/lesson.md", "scenarios/hole-punch-udp/lesson.zh.md",
	} {
		text, err := os.ReadFile(filepath.Join("..", file))
		require.NoError(t, err)
		assert.Contains(t, string(text), "\n"+table+"\n```", file)
	}
}
