package scenarios

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const lessonText = `# relay: Both of us sit at *home*: who carries ` + "`our`" + ` bytes?

*relay, observed
address*

Read this.

` + "```topology" + `
a --- b

c
` + "```" + `

` + "```go" + `
x := 1
` + "```" + `

- and that

` + "```console" + `

host-a$ true
` + "```" + `
` + "~~~console" + `
host-b$ true
` + "~~~" + `

The end.
`

func TestParse(t *testing.T) {
	for name, text := range map[string]string{
		"as written":   lessonText,
		"from Windows": "\ufeff" + string(windows([]byte(lessonText))),
		"no last line": lessonText[:len(lessonText)-1],
	} {
		t.Run(name, func(t *testing.T) {
			l := parse(t, text)
			assert.Equal(t, "relay", l.Name)
			assert.Equal(t, "Both of us sit at home: who carries our bytes?", l.Question)
			assert.Equal(t, "relay, observed address", l.Teaches)

			var kinds []PartKind
			var lines []int
			for _, p := range l.Parts {
				kinds, lines = append(kinds, p.Kind), append(lines, p.Line)
			}
			assert.Equal(t, []PartKind{Prose, Topology, Prose, Console, Console, Prose}, kinds)
			assert.Equal(t, []int{1, 9, 14, 21, 25, 28}, lines)

			text, line, ok := l.Topology()
			assert.True(t, ok)
			assert.Equal(t, "a --- b\n\nc", text)
			assert.Equal(t, 9, line)

			steps := l.Steps()
			require.Len(t, steps, 2)
			assert.Equal(t, 22, steps[0].Line)
			assert.Equal(t, 25, steps[1].Line)
		})
	}
}

func windows(text []byte) (out []byte) {
	for _, c := range text {
		if c == '\n' {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

func TestParseTitle(t *testing.T) {
	for text, want := range map[string]Lesson{
		"":                               {},
		"Only text.":                     {},
		"## relay: Who?\n":               {},
		"# Who?\n\nText, *not* italics.": {Question: "Who?"},
		"# relay：谁来搬运？\n\n*中继，地址*\n": {Name: "relay", Question: "谁来搬运？", Teaches: "中继，地址"},
		"# a: b\n\n**bold**\n":       {Name: "a", Question: "b"},
	} {
		l := parse(t, text)
		assert.Equal(t, want, Lesson{Name: l.Name, Question: l.Question, Teaches: l.Teaches}, text)
		_, _, ok := l.Topology()
		assert.False(t, ok)
	}
}

func TestParseMistakes(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"never closed":            {"# x\n\n```console\nhost-a$ true\n\nText.\n", "lesson.md:3: the console block is never closed; end it with a line of ```"},
		"closed never, and empty": {"```console", "lesson.md:1: the console block is never closed; end it with a line of ```"},
		"in a list":               {"- x\n\n  ```console\n  host-a$ true\n  ```\n", "lesson.md:3: a console block inside a list or a quotation; move it out, to the left margin"},
		"in a quote":              {"> ```topology\n> a\n> ```\n", "lesson.md:1: a topology block inside a list or a quotation; move it out, to the left margin"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("lesson.md", []byte(c.text))
			require.EqualError(t, err, c.want)
		})
	}
}

func TestParseEmptyBlock(t *testing.T) {
	l := parse(t, "```console\n```\n\n```topology\n```\n")
	require.Len(t, l.Parts, 2)
	assert.Empty(t, l.Steps())
	assert.Equal(t, 2, l.Parts[0].Line)
	require.NoError(t, l.Check(nil))
}

// FuzzParse checks that no text, however wrong, stops the reader, the checker
// or the typesetter.
func FuzzParse(f *testing.F) {
	f.Add(lessonText, 80)
	f.Add("- ```console\n  host-a$ x\n  ```\n", 3)
	f.Add("|a|b|\n|-|:-:|\n|`x`|[y](http://z)|\n", 10)
	f.Add("> 1. 你好，世界\n>    再见\n\n***\n<b>x</b>\n", 1)
	f.Fuzz(func(t *testing.T, text string, width int) {
		l, err := Parse("lesson.md", []byte(text))
		if err != nil {
			return
		}
		// Its mistakes do not matter here, only that it ends.
		_ = l.Check([]string{"host-a"})
		require.NoError(t, l.Render(io.Discard, width, true))
		require.NoError(t, SameBlocks(l, l))
	})
}
