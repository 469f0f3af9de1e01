package scenarios

import (
	"slices"

	"github.com/yuin/goldmark/ast"
)

// Lesson is a lesson's text, read by [Parse].
type Lesson struct {
	File string // as errors name it, for example scenarios/relay/lesson.md

	// The title's two halves, and the paragraph in italics after it. Each is
	// empty where the lesson does not say it.
	Name, Question, Teaches string

	Parts []Part // in the order of the text

	source []byte
}

// PartKind tells the parts of a lesson apart.
type PartKind int

const (
	Prose    PartKind = iota // Markdown to be read
	Console                  // commands to be played
	Topology                 // the drawing of the Compose file
)

// Part is a stretch of a lesson.
type Part struct {
	Kind  PartKind
	Line  int    // the first line in the file; of a block, the line after its fence
	Text  string // Console, Topology: the block's text as written
	Steps []Step // Console: its commands

	nodes []ast.Node // Prose: top-level blocks of the document
}

// Steps lists the lesson's commands in the order of the text.
func (l *Lesson) Steps() []Step {
	var steps []Step
	for _, p := range l.Parts {
		steps = append(steps, p.Steps...)
	}
	return steps
}

// Topology returns the text of the lesson's first topology block and the line
// of the file at which it begins; ok is false if the lesson has none.
func (l *Lesson) Topology() (text string, line int, ok bool) {
	i := slices.IndexFunc(l.Parts, func(p Part) bool { return p.Kind == Topology })
	if i < 0 {
		return "", 0, false
	}
	return l.Parts[i].Text, l.Parts[i].Line, true
}
