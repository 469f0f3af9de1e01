package scenarios

import (
	"fmt"
	"strings"
)

// StepKind tells the commands of a lesson apart.
type StepKind int

const (
	Foreground StepKind = iota // NODE$: ends before the lesson goes on
	Background                 // NODE&: goes on beside the lesson
	Verb                       // lab$: acts on the lab
)

// labName stands where a command acts on the lab, not in a node.
const labName = "lab"

// ellipsis stands for any text in an expected line, and alone for any lines.
const ellipsis = "…"

// Step is one command of a lesson with the output that it must have.
type Step struct {
	Kind StepKind
	Line int      // the command's line in the file
	Text string   // the command's line as written
	Node string   // where it runs; "lab" for a Verb
	Argv []string // the words of the command; of a Verb, the verb and its arguments
	Want []Line   // the expected lines
	Exit int      // the expected exit status

	exitLine int // the line of [exit N], or 0
}

// Line is a line of a lesson's file.
type Line struct {
	Number int // 1-based
	Text   string
}

// any reports whether the line stands for any number of lines.
func (l Line) any() bool { return l.Text == ellipsis }

// String is the step as a lesson writes it, each line ended.
func (s Step) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, s.Text)
	for _, l := range s.Want {
		fmt.Fprintln(&b, l.Text)
	}
	if s.Exit != 0 {
		fmt.Fprintf(&b, "[exit %d]\n", s.Exit)
	}
	return b.String()
}
