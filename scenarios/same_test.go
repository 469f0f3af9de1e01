package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSameBlocks(t *testing.T) {
	const text = "Text.\n\n```console\nhost-a$ true\none\n```\n\n```topology\na --- b\n```\n"
	for name, c := range map[string]struct{ b, want string }{
		"the same":         {"文字。\n\n第二段。\n\n```console\nhost-a$ true\none  \n```\n```topology\na --- b\n```\n```go\nx\n```\n", ""},
		"another line":     {"文字。\n\n\n```console\nhost-a$ true\ntwo\n```\n```topology\na --- b\n```\n", "a.md:5 and b.md:6 differ; make the blocks the same\n    one\n    two"},
		"a line less":      {"```console\nhost-a$ true\n```\n```topology\na --- b\n```\n", "a.md:5 and b.md:3 differ; make the blocks the same\n    one\n    ```"},
		"a block less":     {"```console\nhost-a$ true\none\n```\n", "a.md:8 and b.md:4 differ; make the blocks the same\n    ```topology\n    (no more blocks)"},
		"no blocks":        {"文字。", "a.md:3 and b.md:1 differ; make the blocks the same\n    ```console\n    (no more blocks)"},
		"another language": {"```topology\nhost-a$ true\none\n```\n", "a.md:3 and b.md:1 differ; make the blocks the same\n    ```console\n    ```topology"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Parse("a.md", []byte(text))
			require.NoError(t, err)
			b, err := Parse("b.md", []byte(c.b))
			require.NoError(t, err)
			err = SameBlocks(a, b)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
			var d *Difference
			require.ErrorAs(t, err, &d)
		})
	}
}
