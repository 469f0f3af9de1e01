package matrix

import "github.com/crosslan/crosslan/theory"

// A Cell is one pair of kinds, as it was measured and as theory expects it.
type Cell struct {
	// A and B are the kinds of nat-a and nat-b.
	A theory.Kind `json:"a"`
	B theory.Kind `json:"b"`
	// Path is how the two hosts came to talk.
	Path theory.Path `json:"path"`
	// Expected is the path by theory.
	Expected theory.Path `json:"expected"`
}

// Agrees reports whether the measurement is what theory expects.
func (c Cell) Agrees() bool { return c.Path == c.Expected }

// Direct counts the cells whose hosts talked directly.
func Direct(cells []Cell) int {
	return count(cells, func(c Cell) bool { return c.Path == theory.Direct })
}

// Disagreeing counts the cells that are not as theory expects.
func Disagreeing(cells []Cell) int {
	return count(cells, func(c Cell) bool { return !c.Agrees() })
}

func count(cells []Cell, is func(Cell) bool) (n int) {
	for _, c := range cells {
		if is(c) {
			n++
		}
	}
	return n
}
