package scenarios

import (
	"bytes"
	"io"
	"strings"
)

// ANSI's select graphic rendition (ECMA-48 section 8.3.117).
const (
	sgrReset   = "\x1b[0m"
	sgrBold    = "\x1b[1m"
	sgrItalic  = "\x1b[3m"
	sgrGreen   = "\x1b[32m"
	sgrMagenta = "\x1b[35m"
	sgrCyan    = "\x1b[36m"
)

// screen is where a lesson is shown: it indents what commands print and keeps
// apart what is printed by different parts. Its first error sticks: a reader
// who has gone is no fault of the command that printed.
type screen struct {
	w      io.Writer
	color  bool
	indent string
	inLine bool // the last line has begun and not ended
	last   shown
	err    error
}

// shown is what a screen showed last.
type shown int

const (
	shownNothing shown = iota
	shownText          // prose or a drawing
	shownLine          // a command or its output
)

// Write shows a command's output.
func (s *screen) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if !s.inLine && len(bytes.TrimSpace(line)) > 0 {
			s.print(s.indent)
		}
		s.print(string(line))
		s.inLine = !bytes.HasSuffix(line, []byte("\n"))
	}
	return len(p), nil
}

// line shows one whole line, on a line of its own.
func (s *screen) line(text string) {
	s.endLine()
	if s.last == shownText {
		s.print("\n")
	}
	s.last = shownLine
	if text != "" {
		s.print(s.indent)
	}
	s.print(text + "\n")
}

// endLine ends a line that a command left open.
func (s *screen) endLine() {
	if s.inLine {
		s.print("\n")
		s.inLine = false
	}
}

// command shows a step's command line.
func (s *screen) command(step Step) {
	if !s.color {
		s.line(step.Text)
		return
	}
	color := sgrGreen
	if step.Kind == Verb {
		color = sgrMagenta
	}
	n := len(step.Node) + 1 // with its sign
	s.line(color + sgrBold + step.Text[:n] + sgrReset + sgrBold + step.Text[n:] + sgrReset)
}

// text shows lines at the margin, after an empty line.
func (s *screen) text(lines []string) {
	if s.last != shownNothing {
		s.print("\n")
	}
	s.last = shownText
	s.print(strings.Join(lines, "\n") + "\n")
}

func (s *screen) print(text string) {
	if s.err == nil {
		_, s.err = io.WriteString(s.w, text)
	}
}
