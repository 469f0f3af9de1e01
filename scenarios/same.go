package scenarios

import (
	"fmt"
	"strings"
)

// Difference is the first place at which two lessons that are to have the
// same blocks do not.
type Difference struct {
	Files [2]string
	Lines [2]int    // in each file
	Texts [2]string // of these lines; "(no more blocks)" where only the other goes on
}

// Error shows both places.
func (d *Difference) Error() string {
	return fmt.Sprintf("%s:%d and %s:%d differ; make the blocks the same\n    %s\n    %s",
		d.Files[0], d.Lines[0], d.Files[1], d.Lines[1], d.Texts[0], d.Texts[1])
}

// SameBlocks returns the first [Difference] between the console and topology
// blocks of the two lessons, or nil.
func SameBlocks(a, b *Lesson) error {
	as, bs := blockLines(a), blockLines(b)
	end := Line{Text: "(no more blocks)"}
	for i := range max(len(as), len(bs)) {
		la, lb := at(as, i, end), at(bs, i, end)
		if la.Text != lb.Text {
			return &Difference{
				Files: [2]string{a.File, b.File},
				Lines: [2]int{la.Number, lb.Number},
				Texts: [2]string{la.Text, lb.Text},
			}
		}
	}
	return nil
}

// blockLines lists the lines of the lesson's blocks, with their fences.
func blockLines(l *Lesson) []Line {
	var lines []Line
	for _, p := range l.Parts {
		language := map[PartKind]string{Console: consoleLanguage, Topology: topologyLanguage}[p.Kind]
		if language == "" {
			continue
		}
		lines = append(lines, Line{p.Line - 1, "```" + language})
		n := p.Line
		for text := range strings.Lines(p.Text) {
			lines = append(lines, Line{n, trimEnd(strings.TrimSuffix(text, "\n"))})
			n++
		}
		lines = append(lines, Line{n, "```"})
	}
	return lines
}

// at is the i-th line, or end, numbered as the last line, past them.
func at(lines []Line, i int, end Line) Line {
	if i < len(lines) {
		return lines[i]
	}
	end.Number = 1
	if len(lines) > 0 {
		end.Number = lines[len(lines)-1].Number
	}
	return end
}
