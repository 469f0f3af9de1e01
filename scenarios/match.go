package scenarios

import (
	"regexp"
	"strconv"
	"strings"
)

// late is how many seconds longer than expected a time may be: a machine that has much
// to do, or stands still for a moment, is late, and never early.
const late = 3

// seconds is a time as a lesson writes it, such as 3.… s.
var seconds = regexp.MustCompile(`\b(\d+)\.` + ellipsis + ` s\b`)

// matchLine reports whether a line of output is what the expected line says.
func matchLine(want, got string) bool {
	return matchText(want, got) || matchLate(want, got)
}

// matchLate reports whether it is, but for times that are longer.
func matchLate(want, got string) bool {
	times := seconds.FindAllStringSubmatchIndex(want, -1)
	if times == nil {
		return false
	}
	text := func(s string) string {
		return strings.ReplaceAll(regexp.QuoteMeta(s), ellipsis, ".*")
	}
	var pattern strings.Builder
	rest := 0
	for _, t := range times {
		pattern.WriteString(text(want[rest:t[0]]) + `(\d+)\.\d* s`)
		rest = t[1]
	}
	found := regexp.MustCompile("^" + pattern.String() + text(want[rest:]) + "$").FindStringSubmatch(got)
	if found == nil {
		return false
	}
	for i, t := range times {
		least, _ := strconv.Atoi(want[t[2]:t[3]])
		took, err := strconv.Atoi(found[i+1])
		if err != nil || took < least || took > least+late {
			return false
		}
	}
	return true
}

// matchText reports whether it is, to the letter.
func matchText(want, got string) bool {
	pieces := strings.Split(want, ellipsis)
	if len(pieces) == 1 {
		return want == got
	}
	first, last := pieces[0], pieces[len(pieces)-1]
	if !strings.HasPrefix(got, first) {
		return false
	}
	got = got[len(first):]
	// The leftmost place is as good as any other for the pieces between, since
	// any text may follow.
	for _, p := range pieces[1 : len(pieces)-1] {
		i := strings.Index(got, p)
		if i < 0 {
			return false
		}
		got = got[i+len(p):]
	}
	return strings.HasSuffix(got, last)
}

// outcome says how far a command's output is what its lesson expects.
type outcome struct {
	held int  // how many expected lines held; all of them if ok or extra
	got  int  // the first line of output that the next expected line does not match; len(output) if there is none
	ok   bool // all expected lines held, and nothing came after them

	extra   bool // all expected lines held, but output came after them
	partial bool // more output may still make all expected lines hold
	loose   bool // a line for any lines stands before the one that did not hold
}

// match compares a command's output with its expected lines.
//
// It keeps, for each expected line, the places in the output up to which the
// lines before it can have matched. That is more than one only after a line of
// … alone, so the cost is linear without such lines, and at worst the
// product of the two lengths.
func match(want []Line, got []string) outcome {
	places, anywhere := []int{0}, false
	for i, w := range want {
		next := advance(w, places, got)
		if len(next) == 0 {
			return outcome{
				held:    i,
				got:     places[0],
				partial: anywhere || places[len(places)-1] == len(got),
				loose:   i > 0 && want[i-1].any(),
			}
		}
		places, anywhere = next, anywhere || w.any()
	}
	end := places[len(places)-1]
	o := outcome{held: len(want), got: end, ok: end == len(got)}
	o.extra = !o.ok
	return o
}

// advance returns the places after the expected line, in rising order, given
// those before it.
func advance(want Line, places []int, got []string) []int {
	var next []int
	if want.any() {
		for at := places[0]; at <= len(got); at++ {
			next = append(next, at)
		}
		return next
	}
	for _, at := range places {
		if at < len(got) && matchLine(want.Text, got[at]) {
			next = append(next, at+1)
		}
	}
	return next
}

// begun reports whether the output begins with all expected lines.
func (o outcome) begun() bool { return o.ok || o.extra }

// hopeless reports whether no further output can make the expected lines hold.
func (o outcome) hopeless() bool { return !o.begun() && !o.partial }

// outputLines splits a command's output into lines as they are compared:
// without white space at their ends and without empty lines at the end.
func outputLines(out string) []string {
	out = strings.TrimRight(out, " \t\r\n")
	if out == "" {
		return nil
	}
	lines := strings.Split(out, "\n")
	for i, l := range lines {
		lines[i] = trimEnd(l)
	}
	return lines
}

// endedLines are the lines of output that has not come to its end: those
// whose own end has come.
func endedLines(out string) []string {
	return outputLines(out[:strings.LastIndexByte(out, '\n')+1])
}
