package images

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNodeFilesAreWhatGoBuildReads(t *testing.T) {
	files, err := nodeFiles(writeFixture(t), "amd64")
	require.NoError(t, err)
	slices.Sort(files)
	assert.Equal(t, []string{
		"nodes/hello/main.go",
		"nodes/idle/main.go",
		"nodes/internal/say/say.go",
		"nodes/internal/say/words",
	}, files)
}

func TestSourceDigestChangesWithWhatIsBuilt(t *testing.T) {
	changes := map[string]struct {
		file    string
		rebuild bool
	}{
		"module file":             {"go.mod", true},
		"checksums":               {"go.sum", true},
		"program":                 {"nodes/hello/main.go", true},
		"package":                 {"nodes/internal/say/say.go", true},
		"embedded file":           {"nodes/internal/say/words", true},
		"new file":                {"nodes/internal/say/more.go", true},
		"new package":             {"nodes/internal/new/new.go", true},
		"test":                    {"nodes/hello/main_test.go", false},
		"other system's file":     {"nodes/internal/say/say_darwin.go", false},
		"test data":               {"nodes/internal/say/testdata/x.go", false},
		"text beside the sources": {"nodes/README.md", false},
		"package beside nodes":    {"lab/lab.go", false},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			dir := writeFixture(t)
			before, err := sourceDigest(dir, "go1.26.0", "amd64")
			require.NoError(t, err)
			text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(change.file)))
			if os.IsNotExist(err) {
				text, err = []byte("package new\n"), nil
				if filepath.Base(filepath.Dir(change.file)) == "say" {
					text = []byte("package say\n")
				}
			}
			require.NoError(t, err)
			writeFile(t, dir, change.file, string(text)+"\n// changed\n")
			after, err := sourceDigest(dir, "go1.26.0", "amd64")
			require.NoError(t, err)
			assert.Equal(t, change.rebuild, before != after)
		})
	}
}

func TestSourceDigestChangesWithToolchainAndArchitecture(t *testing.T) {
	dir := writeFixture(t)
	digest := func(version, arch string) string {
		digest, err := sourceDigest(dir, version, arch)
		require.NoError(t, err)
		return digest
	}
	assert.Equal(t, digest("go1.26.0", "amd64"), digest("go1.26.0", "amd64"))
	assert.NotEqual(t, digest("go1.26.0", "amd64"), digest("go1.26.1", "amd64"))
	assert.NotEqual(t, digest("go1.26.0", "amd64"), digest("go1.26.0", "arm64"))
}

func TestSourceDigestDoesNotDependOnTheDirectory(t *testing.T) {
	one, err := sourceDigest(writeFixture(t), "go1.26.0", "amd64")
	require.NoError(t, err)
	other, err := sourceDigest(writeFixture(t), "go1.26.0", "amd64")
	require.NoError(t, err)
	assert.Equal(t, one, other)
}

func TestSourceDigestNamesTheBrokenFile(t *testing.T) {
	dir := writeFixture(t)
	writeFile(t, dir, "nodes/idle/main.go", "no Go\n")
	_, err := sourceDigest(dir, "go1.26.0", "amd64")
	assert.ErrorContains(t, err, "main.go:1:1")
}
