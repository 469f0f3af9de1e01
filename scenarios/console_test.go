package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConsole(t *testing.T) {
	steps := console(t, `
host-a$ client echo 198.18.4.10:50007 "Hello, world" 'a "b"' c\ d ""
connected  …

reply      Hello, world

host-a$ client echo 10.4.2.10:50007
client: connect: ENETUNREACH (101) …
[exit 1]

host-b& server sink
lab$ kill host-b SIGTERM
`).Steps()
	require.Len(t, steps, 4)

	s := steps[0]
	assert.Equal(t, Foreground, s.Kind)
	assert.Equal(t, 2, s.Line)
	assert.Equal(t, "host-a", s.Node)
	assert.Equal(t, []string{"client", "echo", "198.18.4.10:50007", "Hello, world", `a "b"`, "c d", ""}, s.Argv)
	assert.Equal(t, []Line{{3, "connected  …"}, {4, ""}, {5, "reply      Hello, world"}}, s.Want, "only the last empty line is dropped")
	assert.Zero(t, s.Exit)

	s = steps[1]
	assert.Equal(t, 1, s.Exit)
	assert.Equal(t, 9, s.exitLine)
	assert.Equal(t, []Line{{8, "client: connect: ENETUNREACH (101) …"}}, s.Want)

	assert.Equal(t, Background, steps[2].Kind)
	assert.Empty(t, steps[2].Want)
	assert.Equal(t, Verb, steps[3].Kind)
	assert.Equal(t, []string{"kill", "host-b", "SIGTERM"}, steps[3].Argv)
}

func TestConsoleMistakes(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"output first": {"hello\nhost-a$ true", `lesson.md:2: expected output before any command; begin the block with a line like "host-a$ client ..."`},
		"open quote":   {"host-a$ client 'hello", `lesson.md:2: a quote or a backslash in "host-a$ client 'hello" is not closed; close it on the same line`},
		"open escape":  {`host-a$ client \`, `lesson.md:2: a quote or a backslash in "host-a$ client \\" is not closed; close it on the same line`},
		"no command":   {"host-a$ true\nhost-b&", `lesson.md:3: no command after "host-b&"; name the program to run`},
		"early exit":   {"host-a$ false\n[exit 1]\nmore", `lesson.md:3: [exit 1] is not the last line of its command's output; move it to the end`},
		"exit 0":       {"host-a$ true\n[exit 0]", `lesson.md:3: [exit 0] is no failure's exit status; write a number from 1 to 255, or leave the line out for 0`},
		"exit 256":     {"host-a$ true\n[exit 256]", `lesson.md:3: [exit 256] is no failure's exit status; write a number from 1 to 255, or leave the line out for 0`},
		"two":          {"hello\nhost-a$", "lesson.md:2: expected output before any command; begin the block with a line like \"host-a$ client ...\"\nlesson.md:3: no command after \"host-a$\"; name the program to run"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Parse("lesson.md", []byte("```console\n"+c.text+"\n```\n"))
			require.EqualError(t, err, c.want)
			assert.Nil(t, l)
			var p *Problem
			assert.ErrorAs(t, err, &p)
		})
	}
}

// FuzzConsole checks that no block confuses the parser, and that writing its
// commands down and reading them again changes nothing.
func FuzzConsole(f *testing.F) {
	f.Add("host-a$ client echo \"Hello\"\nreply  …\n[exit 1]\n\nlab$ wait host-a")
	f.Add("host-a& server\n…\n\n\nx\n")
	f.Add("out\nhost-a$ '\n[exit 0]\n")
	f.Fuzz(func(t *testing.T, text string) {
		steps, problems := parseConsole("lesson.md", text, 1)
		if len(problems) > 0 {
			return
		}
		written := ""
		for _, s := range steps {
			written += s.String()
		}
		again, problems := parseConsole("lesson.md", written, 1)
		require.Empty(t, problems)
		require.Equal(t, withoutNumbers(steps), withoutNumbers(again))
	})
}

func withoutNumbers(steps []Step) []Step {
	plain := make([]Step, len(steps))
	for i, s := range steps {
		s.Line, s.exitLine = 0, 0
		want := make([]Line, len(s.Want))
		for j, l := range s.Want {
			want[j].Text = l.Text
		}
		s.Want = want
		plain[i] = s
	}
	return plain
}
