package scenarios

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMismatch(t *testing.T) {
	const echo = "host-a$ client echo 198.18.4.10:50007 \"Hello, world\"\nconnected  10.4.1.10:… -> 198.18.4.10:50007\nobserved   198.18.4.2:…\nreply      Hello, world\n"
	const begin = "connected  10.4.1.10:40112 -> 198.18.4.10:50007\nobserved   198.18.4.2:40112\n"
	for name, c := range map[string]struct {
		lesson, out string
		exit        int
		want        string
	}{
		"a wrong line": {echo, begin + "reply      Hello, wor\n", 0, `
lesson.md:5: host-a$ client echo 198.18.4.10:50007 "Hello, world"
    want  reply      Hello, world
    got   reply      Hello, wor`},
		"a line missing": {echo, begin, 0, `
lesson.md:5: host-a$ client echo 198.18.4.10:50007 "Hello, world"
    want  reply      Hello, world
    got   (nothing more)`},
		"a line too many": {echo, begin + "reply      Hello, world\nreply      Hello, world\n", 0, `
lesson.md:5: host-a$ client echo 198.18.4.10:50007 "Hello, world"
    want  (nothing more)
    got   reply      Hello, world`},
		"another error": {echo, "client: connect: ECONNREFUSED (111) connection refused\n", 1, `
lesson.md:3: host-a$ client echo 198.18.4.10:50007 "Hello, world"
    want  connected  10.4.1.10:… -> 198.18.4.10:50007
    got   client: connect: ECONNREFUSED (111) connection refused
    and   exit status 1 instead of 0`},
		"silence": {echo, "\n", 0, `
lesson.md:3: host-a$ client echo 198.18.4.10:50007 "Hello, world"
    want  connected  10.4.1.10:… -> 198.18.4.10:50007
    got   (no output)`},
		"a wrong status": {"host-a$ false\n[exit 1]", "", 2, `
lesson.md:3: host-a$ false
    want  [exit 1]
    got   [exit 2]`},
		"an unexpected status": {"host-a$ false\n", "", 2, `
lesson.md:2: host-a$ false
    want  exit status 0
    got   [exit 2]`},
		"an unexpected success": {"host-a$ false\n[exit 1]", "", 0, `
lesson.md:3: host-a$ false
    want  [exit 1]
    got   exit status 0`},
		"nothing like it": {"host-a$ show\n…\nudp …", "tcp 1\ntcp 2\n", 0, `
lesson.md:4: host-a$ show
    want  udp …
    got   (no such line among these)
          tcp 1
          tcp 2`},
		"nothing like it in many": {"host-a$ show\n…\nudp …", strings.Repeat("tcp\n", 5) + strings.Repeat("sctp\n", 20), 0, `
lesson.md:4: host-a$ show
    want  udp …
    got   (no such line among these)
          … (5 lines)` + strings.Repeat("\n          sctp", 20)},
		"what cannot be seen": {"host-a$ show\na b", "a\tb\n", 0, `
lesson.md:3: host-a$ show
    want  "a b"
    got   "a\tb"`},
		"not UTF-8": {"host-a$ show\na b", "a \xff\n", 0, `
lesson.md:3: host-a$ show
    want  "a b"
    got   "a \xff"`},
		"three dots": {"host-a$ show\na ...", "a b\n", 0, `
lesson.md:3: host-a$ show
    want  a ...
    got   a b
    note  three dots are three dots; any text is …, one character`},
	} {
		t.Run(name, func(t *testing.T) {
			s := console(t, c.lesson).Steps()[0]
			err := compare("lesson.md", s, c.out, c.exit)
			var m *Mismatch
			require.ErrorAs(t, err, &m)
			require.EqualError(t, err, strings.TrimPrefix(c.want, "\n"))
		})
	}
}

func TestCompareHolds(t *testing.T) {
	s := console(t, "host-a$ false\nclient: …\n[exit 1]").Steps()[0]
	require.NoError(t, compare("lesson.md", s, "client: connect: ETIMEDOUT (110)  \n\n", 1))
}
