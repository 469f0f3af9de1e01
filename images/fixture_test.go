package images

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// fixture is a small module with the nodes' layout: two programs, a package of
// theirs with an embedded file, a test, and files that no program consists of.
var fixture = map[string]string{
	"go.mod":                           "module " + modulePath + "\n\ngo 1.26.0\n",
	"go.sum":                           "",
	"nodes/hello/main.go":              "package main\n\nimport \"" + modulePath + "/nodes/internal/say\"\n\nfunc main() { say.Hello() }\n",
	"nodes/hello/main_test.go":         "package main\n",
	"nodes/idle/main.go":               "package main\n\nfunc main() { select {} }\n",
	"nodes/internal/say/say.go":        "package say\n\nimport _ \"embed\"\n\n//go:embed words\nvar words string\n\nfunc Hello() { print(words) }\n",
	"nodes/internal/say/say_darwin.go": "package say\n",
	"nodes/internal/say/words":         "hello",
	"nodes/internal/say/testdata/x.go": "package broken\n",
	"nodes/README.md":                  "The nodes.\n",
	"lab/lab.go":                       "package lab\n",
}

// writeFixture writes the fixture to a directory and returns it.
func writeFixture(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range fixture {
		writeFile(t, dir, name, text)
	}
	return dir
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
}

// testBuilder returns a builder of the module in dir under a name of the test's
// own, and where it notes the lines that it reports.
func testBuilder(t *testing.T, engine *client.Client, dir string) (*builder, *[]string) {
	t.Helper()
	b := newBuilder(engine, testName(t, engine, "crosslan/images-test"))
	b.directory = func(context.Context) (string, error) { return dir, nil }
	lines := new([]string)
	b.report = func(line string) { *lines = append(*lines, line) }
	return b, lines
}
