package scenarios

import (
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// renderCases are Markdown and what it is at 32 columns without colours.
var renderCases = map[string]struct{ markdown, want string }{
	"headings": {"# One\n\n## Two *and* `three`\n\n### Four\n", `
One
===

Two and ` + "`three`" + `
---------------

Four
`},
	"wrapped text": {"The quick **brown** fox\njumps over the *lazy* dog at 198.18.4.10:50007.\n", `
The quick brown fox jumps over
the lazy dog at
198.18.4.10:50007.
`},
	"a long word": {"See 2001:db8:4:1:aaaa:bbbb:cccc:dddd, here.\n", `
See
2001:db8:4:1:aaaa:bbbb:cccc:dddd,
here.
`},
	"no break in a name": {"A long way from LAN A: to host-a and then\n", `
A long way from LAN A: to host-a
and then
`},
	"a hard line break": {"one\\\ntwo\n", `
one
two
`},
	"Chinese": {"你在家里，我也在家里：两台主机各在自己的局域网里，\n中间没有“路由”。\n谁来搬运\n“字节”？\n", `
你在家里，我也在家里：两台主机各
在自己的局域网里，中间没有“路
由”。谁来搬运“字节”？
`},
	"Chinese and code": {"服务器看到的地址是什么？运行命令 `client echo` 看看\n", `
服务器看到的地址是什么？运行命令
` + "`client echo`" + ` 看看
`},
	"code is broken at spaces only": {"错误错误错误错误错误错误`错误错误错误错误`\n", `
错误错误错误错误错误错误
` + "`错误错误错误错误`" + `
`},
	"lists": {"- one, which is longer than a line has room\n- two\n  1. three\n  2. four\n\n3. a\n\n4. b\n\n   c\n", `
- one, which is longer than a
  line has room
- two
  1. three
  2. four

3. a

4. b

   c
`},
	"an empty item": {"-\n- x\n", `
-
- x
`},
	"a quotation": {"> Predict: what will the server observe?\n>\n> - a\n", `
│ Predict: what will the server
│ observe?
│
│ - a
`},
	"code": {"```go\nx := 1\n\ny := 2\n```\n\n    z\n", `
    x := 1

    y := 2

    z
`},
	"links": {"[RFC 5128](https://rfc-editor.org) [here](../x.md) <https://a.b> ![drawing](x.png)\n", `
RFC 5128
(https://rfc-editor.org) here
https://a.b drawing
`},
	"HTML": {"<!-- unseen -->\n\na <b>b</b>\n\n<details>\n", `
a b
`},
	"a rule": {"a\n\n***\n\nb\n", `
a

────────────────────────────────

b
`},
	"a table": {"| who | 说明 | n |\n|---|:-:|--:|\n| host-a | 家 | 1 |\n| b | 看到的地址 | 10 |\n", `
who        说明      n
──────  ──────────  ──
host-a      家       1
b       看到的地址  10
`},
	"a wide table": {"| who | what |\n|---|---|\n| getsockname on host-a | what the program believes |\n", `
who              what
───────────────  ───────────────
getsockname on   what the
host-a           program
                 believes
`},
	"blocks to be played": {"```topology\na --- b\n```\n\n```console\nhost-a$ true\nok\n```\n", `
a --- b

    host-a$ true
    ok
`},
}

func TestRender(t *testing.T) {
	for name, c := range renderCases {
		t.Run(name, func(t *testing.T) {
			l := parse(t, c.markdown)
			var out strings.Builder
			require.NoError(t, l.Render(&out, 32, false))
			assert.Equal(t, c.want[1:], out.String())
		})
	}
}

// TestRenderColor checks that colours change neither the text nor, but for the
// marks that they stand for, its lines.
func TestRenderColor(t *testing.T) {
	const text = "## A\n\n*one* and **two**, which is long\n\n| `x` | y |\n|---|---|\n| 1 | **2** |\n"
	var out strings.Builder
	require.NoError(t, parse(t, text).Render(&out, 20, true))
	assert.Equal(t, "\x1b[1mA\x1b[0m\n\n\x1b[3mone\x1b[0m and \x1b[1mtwo\x1b[0m, which\nis long\n\n"+
		"\x1b[1m\x1b[36mx\x1b[0m  \x1b[1my\x1b[0m\n─  ─\n1  \x1b[1m2\x1b[0m\n", out.String())
}

// TestRenderFits checks that no line is longer than the width if its words
// are not.
func TestRenderFits(t *testing.T) {
	text := strings.Repeat("你好，hello “世界” `a b` (one) — 再见！ ", 20)
	for width := 12; width < 60; width++ {
		var out strings.Builder
		require.NoError(t, parse(t, text).Render(&out, width, false))
		for line := range strings.Lines(out.String()) {
			assert.LessOrEqual(t, uniseg.StringWidth(strings.TrimSuffix(line, "\n")), width, line)
		}
	}
}
