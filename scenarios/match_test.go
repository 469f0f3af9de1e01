package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMatchLine(t *testing.T) {
	for _, c := range []struct {
		want, got string
		ok        bool
	}{
		{"", "", true},
		{"reply", "reply", true},
		{"reply", "replies", false},
		{"…", "", true},
		{"…", "anything", true},
		{"reply …", "reply ", true},
		{"reply …", "reply", false},
		{"…:50007", "10.4.1.10:50007", true},
		{"…:50007", "10.4.1.10:500071", false},
		{"10.…:… -> …", "10.4.1.10:40112 -> 198.18.4.10:50007", true},
		{"a…a", "a", false},
		{"a…a", "aa", true},
		{"a…b…c", "aXbYbZc", true},
		{"a…b…c", "aXcYb", false},
		{"ab…bc", "abc", false},
		{"……", "x", true},
		{"三…五", "三四五", true},
		{"literal …", "literal …", true},
		{"after 3.… s", "after 3.01 s", true},
		{"after 3.… s", "after 6.99 s", true}, // late
		{"after 3.… s", "after 7.00 s", false},
		{"after 3.… s", "after 2.99 s", false},
		{"after 3.… s (…)", "after 5.84 s (Windows)", true},
		{"after 3.… s …", "after 5.84 s", false},
		{"0.… s of 3.… s", "1.2 s of 3.1 s", true},
		{"0.… s of 3.… s", "1.2 s of 2.9 s", false},
		{"a.c after 0.… s", "abc after 1.0 s", false}, // a dot is a dot
		{"after 3.… seconds", "after 4.0 seconds", false},
		{"13.… s", "3.5 s", false},
		{"after 3.… s", "after 99999999999999999999.0 s", false},
	} {
		assert.Equal(t, c.ok, matchLine(c.want, c.got), "%q %q", c.want, c.got)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		want, got string // lines apart by spaces
		outcome   outcome
	}{
		{"", "", outcome{ok: true}},
		{"", "x", outcome{extra: true}},
		{"a b", "a b", outcome{held: 2, got: 2, ok: true}},
		{"a b", "a", outcome{held: 1, got: 1, partial: true}},
		{"a b", "", outcome{partial: true}},
		{"a b", "a c", outcome{held: 1, got: 1}},
		{"a b", "b a", outcome{}},
		{"a b", "a b c", outcome{held: 2, got: 2, extra: true}},
		{"…", "", outcome{held: 1, ok: true}},
		{"…", "a b", outcome{held: 1, got: 2, ok: true}},
		{"… b", "a b", outcome{held: 2, got: 2, ok: true}},
		{"… b", "b", outcome{held: 2, got: 1, ok: true}},
		{"… b", "b a b", outcome{held: 2, got: 3, ok: true}},
		{"… b", "b a", outcome{held: 2, got: 1, extra: true}},
		{"… b", "a a", outcome{held: 1, partial: true, loose: true}},
		{"a … b …", "a x b y", outcome{held: 4, got: 4, ok: true}},
		{"… a b …", "a x a b", outcome{held: 4, got: 4, ok: true}},
		{"… a b", "a x a x", outcome{held: 2, got: 1, partial: true}},
		{"… … a", "x a", outcome{held: 3, got: 2, ok: true}},
		{"a… …b", "ax xb", outcome{held: 2, got: 2, ok: true}},
	} {
		var want []Line
		for _, l := range strings.Fields(c.want) {
			want = append(want, Line{Text: l})
		}
		assert.Equal(t, c.outcome, match(want, strings.Fields(c.got)), "%q %q", c.want, c.got)
	}
}

// TestMatchManyLines would not end in time if lines of … were tried one way
// after the other.
func TestMatchManyLines(t *testing.T) {
	var want []Line
	for range 20 {
		want = append(want, Line{Text: ellipsis}, Line{Text: "a"})
	}
	want = append(want, Line{Text: "b"})
	got := strings.Fields(strings.Repeat("a ", 5000))
	assert.False(t, match(want, got).ok)
	assert.True(t, match(want, append(got, "b")).ok)
}

func TestOutputLines(t *testing.T) {
	for out, want := range map[string][]string{
		"":               nil,
		"\n \n":          nil,
		"a":              {"a"},
		"a  \r\nb\t\n\n": {"a", "b"},
		"\n a\n\nb":      {"", " a", "", "b"},
	} {
		assert.Equal(t, want, outputLines(out), fmt.Sprintf("%q", out))
	}
	assert.Equal(t, []string{"a"}, endedLines("a\nb"))
	assert.Empty(t, endedLines("a"))
}
