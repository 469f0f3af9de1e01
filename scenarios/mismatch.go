package scenarios

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mismatch is a command of a lesson whose output or exit status is not what
// the lesson says.
type Mismatch struct {
	File    string
	Line    int    // the line of the lesson that does not hold
	Command string // the command's line in the lesson

	// Want is the lesson's line, and Got the line that came instead. Got is
	// empty if Missing says why there is none.
	Want, Got string
	Missing   string

	// Seen is the output to look at, if one line does not tell enough.
	Seen []string

	// Exit and WantExit differ if the exit status is wrong too.
	Exit, WantExit int
}

// seenLimit is how many lines of output an error shows.
const seenLimit = 20

// Error shows the command and the first wrong line, expected and real.
func (m *Mismatch) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: %s", m.File, m.Line, m.Command)
	want, got := m.Want, m.Got
	if hidden(want, got) {
		want, got = fmt.Sprintf("%q", want), fmt.Sprintf("%q", got)
	}
	if m.Missing != "" {
		got = "(" + m.Missing + ")"
	}
	fmt.Fprintf(&b, "\n    want  %s\n    got   %s", want, got)
	seen := m.Seen
	if cut := len(seen) - seenLimit; cut > 0 {
		fmt.Fprintf(&b, "\n          %s (%d lines)", ellipsis, cut)
		seen = seen[cut:]
	}
	for _, l := range seen {
		fmt.Fprintf(&b, "\n          %s", l)
	}
	if m.Exit != m.WantExit && m.Want != exitText(m.WantExit) {
		fmt.Fprintf(&b, "\n    and   exit status %d instead of %d", m.Exit, m.WantExit)
	}
	if dots := strings.ReplaceAll(m.Want, "...", ellipsis); dots != m.Want && m.Missing == "" && matchLine(dots, m.Got) {
		b.WriteString("\n    note  three dots are three dots; any text is …, one character")
	}
	return b.String()
}

// hidden reports whether the two lines differ in what a terminal does not
// show.
func hidden(want, got string) bool {
	if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
		return true
	}
	return want != got && strings.Join(strings.Fields(want), " ") == strings.Join(strings.Fields(got), " ")
}

// exitText is an exit status as a lesson writes it; 0 it does not write.
func exitText(status int) string {
	if status == 0 {
		return "exit status 0"
	}
	return fmt.Sprintf("[exit %d]", status)
}

// compare returns a Mismatch if the step, which has ended, did not go as the
// lesson of that file says.
func compare(file string, s Step, out string, exit int) error {
	got := outputLines(out)
	o := match(s.Want, got)
	if o.ok && exit == s.Exit {
		return nil
	}
	m := &Mismatch{File: file, Command: s.Text, Exit: exit, WantExit: s.Exit}
	if !o.ok {
		m.point(s, o, got)
		return m
	}
	m.Line, m.Want, m.Got = s.Line, exitText(s.Exit), exitText(exit)
	if s.exitLine != 0 {
		m.Line = s.exitLine
	}
	return m
}

// point fills in the first wrong line.
func (m *Mismatch) point(s Step, o outcome, got []string) {
	switch {
	case o.extra:
		m.Line, m.Want, m.Got = s.lastLine(), "(nothing more)", got[o.got]
		return
	case o.got == len(got):
		m.Missing = "nothing more"
		if len(got) == 0 {
			m.Missing = "no output"
		}
	case o.loose:
		m.Missing = "no such line among these"
		m.Seen = got[o.got:]
	default:
		m.Got = got[o.got]
	}
	m.Line, m.Want = s.Want[o.held].Number, s.Want[o.held].Text
}

// lastLine is the line at which the step's expected output ends.
func (s Step) lastLine() int {
	if len(s.Want) == 0 {
		return s.Line
	}
	return s.Want[len(s.Want)-1].Number
}
