package scenarios

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// wrap sets the runs in lines of at most width columns. It breaks them at
// spaces and beside wide characters, where Unicode's line breaking (UAX #14)
// allows it; a longer word, such as an address, keeps its line whole.
func wrap(runs []run, width int, color bool) []string {
	var all strings.Builder
	for _, r := range runs {
		all.WriteString(r.text)
	}
	text := all.String()
	var lines []string
	start, column := 0, 0
	flush := func(end int) {
		lines = append(lines, paint(runs, start, start+len(strings.TrimRight(text[start:end], " \n")), color))
		start, column = end, 0
	}
	for at, state := 0, -1; at < len(text); {
		var size int
		var must bool
		size, must, state = word(text, at, runs, state)
		w := text[at : at+size]
		if column > 0 && column+uniseg.StringWidth(strings.TrimRight(w, " \n")) > width {
			flush(at)
		}
		column += uniseg.StringWidth(w)
		at += size
		if must || at == len(text) {
			flush(at)
		}
	}
	return lines
}

// word returns the length of the next stretch of text, from the offset on,
// that no line may break, and whether the line must end after it.
func word(text string, at int, runs []run, state int) (size int, must bool, newState int) {
	rest := text[at:]
	for rest != "" {
		var segment string
		segment, rest, must, state = uniseg.FirstLineSegmentInString(rest, state)
		size += len(segment)
		if must || rest == "" || breakable(text, at+size, runs) {
			break
		}
	}
	return size, must, state
}

// breakable reports whether the place, one that UAX #14 allows, is one for
// this package too: not after the hyphen of host-a, nor within code.
func breakable(text string, at int, runs []run) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	if before == ' ' {
		return true
	}
	after, _ := utf8.DecodeRuneInString(text[at:])
	return (wide(before) || wide(after)) && !withinCode(runs, at)
}

func withinCode(runs []run, at int) bool {
	for _, r := range runs {
		if at <= 0 {
			return false
		}
		if at < len(r.text) {
			return r.style&code != 0
		}
		at -= len(r.text)
	}
	return false
}

// paint is the text from start to end of the runs together, with its styles.
func paint(runs []run, start, end int, color bool) string {
	var b strings.Builder
	at := 0
	for _, r := range runs {
		from, to := max(start-at, 0), min(end-at, len(r.text))
		at += len(r.text)
		if from >= to {
			continue
		}
		if !color || r.style == 0 {
			b.WriteString(r.text[from:to])
			continue
		}
		b.WriteString(r.style.sgr() + r.text[from:to] + sgrReset)
	}
	return b.String()
}

func (s style) sgr() string {
	var codes string
	for _, c := range []struct {
		style style
		sgr   string
	}{{bold, sgrBold}, {italic, sgrItalic}, {code, sgrCyan}} {
		if s&c.style != 0 {
			codes += c.sgr
		}
	}
	return codes
}
