package scenarios

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/shlex"
)

var (
	commandLine = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9_.-]*)([$&])(?:[ \t](.*))?$`)
	exitLine    = regexp.MustCompile(`^\[exit ([0-9]+)\]$`)
)

// maxExit is the largest exit status that wait(2) can report.
const maxExit = 255

// parseConsole reads the text of a console block whose first line is line
// number first of the file. It returns every mistake it finds.
func parseConsole(file, text string, first int) ([]Step, []error) {
	var (
		steps    []Step
		problems []error
	)
	report := func(line int, what, do string) {
		problems = append(problems, &Problem{File: file, Line: line, What: what, Do: do})
	}
	for i, l := range strings.Split(text, "\n") {
		line := Line{Number: first + i, Text: trimEnd(l)}
		if m := commandLine.FindStringSubmatch(line.Text); m != nil {
			step, err := parseCommand(line, m[1], m[2], m[3])
			if err != nil {
				report(line.Number, err.what, err.do)
			}
			steps = append(steps, step)
			continue
		}
		if len(steps) == 0 {
			if line.Text != "" {
				report(line.Number, "expected output before any command", `begin the block with a line like "host-a$ client ..."`)
			}
			continue
		}
		last := &steps[len(steps)-1]
		last.Want = append(last.Want, line)
	}
	for i := range steps {
		if err := takeExit(&steps[i]); err != nil {
			report(err.line, err.what, err.do)
		}
	}
	return steps, problems
}

// complaint is a Problem that does not know its file yet.
type complaint struct {
	line     int
	what, do string
}

func parseCommand(line Line, node, sign, command string) (Step, *complaint) {
	s := Step{Line: line.Number, Text: line.Text, Node: node}
	switch {
	case sign == "&":
		s.Kind = Background
	case node == labName:
		s.Kind = Verb
	}
	argv, err := shlex.Split(command)
	if err != nil {
		// The lexer's only errors are a quote and an escape that the line's
		// end cuts off.
		return s, &complaint{what: fmt.Sprintf("a quote or a backslash in %q is not closed", line.Text), do: "close it on the same line"}
	}
	if len(argv) == 0 {
		return s, &complaint{what: fmt.Sprintf("no command after %q", node+sign), do: "name the program to run"}
	}
	s.Argv = argv
	return s, nil
}

// takeExit turns an [exit N] at the end of the step's expected lines into its
// exit status, and drops the empty lines at their end.
func takeExit(s *Step) *complaint {
	s.Want = trimLines(s.Want)
	for i, l := range s.Want {
		m := exitLine.FindStringSubmatch(l.Text)
		if m == nil {
			continue
		}
		if i != len(s.Want)-1 {
			return &complaint{line: l.Number, what: l.Text + " is not the last line of its command's output", do: "move it to the end"}
		}
		status, err := strconv.Atoi(m[1])
		if err != nil || status < 1 || status > maxExit {
			return &complaint{line: l.Number, what: l.Text + " is no failure's exit status",
				do: fmt.Sprintf("write a number from 1 to %d, or leave the line out for 0", maxExit)}
		}
		s.Exit, s.exitLine = status, l.Number
		s.Want = trimLines(s.Want[:i])
	}
	return nil
}

// trimLines drops the empty lines at the end.
func trimLines(lines []Line) []Line {
	for len(lines) > 0 && lines[len(lines)-1].Text == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func trimEnd(s string) string { return strings.TrimRight(s, " \t\r") }
