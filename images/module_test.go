package images

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

func TestModuleDirectoryIsThisCheckout(t *testing.T) {
	dir, err := moduleDirectory(t.Context())
	require.NoError(t, err)
	here, err := filepath.Abs("..")
	require.NoError(t, err)
	assert.Equal(t, here, dir)
}

func TestRecordedModule(t *testing.T) {
	dir := writeFixture(t)
	ours := func(version string, replace *debug.Module) *debug.Module {
		return &debug.Module{Path: modulePath, Version: version, Replace: replace}
	}
	user := debug.Module{Path: "example.org/user", Version: "(devel)"}

	t.Run("replaced by a directory", func(t *testing.T) {
		info := &debug.BuildInfo{Main: user, Deps: []*debug.Module{ours("v0.0.1", &debug.Module{Path: dir})}}
		found, err := recordedModule(t.Context(), info)
		require.NoError(t, err)
		assert.Equal(t, dir, found)
	})
	nowhere := map[string]*debug.BuildInfo{
		"a checkout that is not here":      {Main: *ours("(devel)", nil)},
		"no version":                       {Main: *ours("", nil)},
		"replaced by a directory not here": {Main: user, Deps: []*debug.Module{ours("v0.0.1", &debug.Module{Path: dir + "/no"})}},
		"not part of the program":          {Main: user},
	}
	for name, info := range nowhere {
		t.Run(name, func(t *testing.T) {
			_, err := recordedModule(t.Context(), info)
			assert.ErrorIs(t, err, errNoSources)
		})
	}
}

// TestEnsureFromTheModuleCache is what happens to a program installed with
// "go install -trimpath ...@version".
func TestEnsureFromTheModuleCache(t *testing.T) {
	engine := testEngine(t)
	serveModule(t, writeFixture(t), "v0.0.1")

	dir, err := recordedModule(t.Context(), &debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "v0.0.1"}})
	require.NoError(t, err)
	assert.Contains(t, dir, os.Getenv("GOMODCACHE"))
	b, _ := testBuilder(t, engine, dir)
	image, err := b.ensure(t.Context())
	require.NoError(t, err)
	assert.True(t, image.Built)

	_, err = recordedModule(t.Context(), &debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "v0.0.2"}})
	assert.ErrorContains(t, err, "get the sources of "+modulePath+"@v0.0.2")
}

// TestEnsureIgnoresTheCallersSettings: a program of another module, with a
// workspace, flags and a target of its own, gets the same image.
func TestEnsureIgnoresTheCallersSettings(t *testing.T) {
	engine := testEngine(t)
	dir := writeFixture(t)
	b, _ := testBuilder(t, engine, dir)
	want, err := b.ensure(t.Context())
	require.NoError(t, err)

	other, _ := testBuilder(t, engine, dir)
	t.Chdir(t.TempDir())
	writeFile(t, ".", "go.mod", "module example.org/user\n\ngo 1.26.0\n")
	writeFile(t, ".", "go.work", "go 1.26.0\n\nuse .\n")
	t.Setenv("GOFLAGS", "-mod=vendor -tags=other -ldflags=-X=main.x=y")
	t.Setenv("GOWORK", filepath.Join(os.Getenv("PWD"), "go.work"))
	t.Setenv("GOOS", "plan9")
	t.Setenv("GOARCH", "386")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("CGO_ENABLED", "1")
	got, err := other.ensure(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want.ID, got.ID)
}

// TestEnsureFromAnotherModule runs a program of another module that imports
// this one by a replace directive.
func TestEnsureFromAnotherModule(t *testing.T) {
	engine := testEngine(t)
	want, err := Ensure(t.Context(), engine)
	require.NoError(t, err)

	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	writeFile(t, dir, "main.go", callingProgram)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		writeFile(t, dir, name, strings.Replace(string(text), "module "+modulePath, "module example.org/user", 1))
	}
	runIn(t, dir, "go", "mod", "edit", "-require="+modulePath+"@v0.0.0", "-replace="+modulePath+"="+root)
	output := runIn(t, dir, "go", "run", "-mod=mod", ".")
	assert.Equal(t, want.ID+" false", strings.TrimSpace(output), "the ID, and whether it was built")
}

const callingProgram = `package main

import (
	"context"
	"fmt"

	"github.com/moby/moby/client"

	"` + modulePath + `/images"
)

func main() {
	engine, err := client.New(client.FromEnv)
	if err != nil {
		panic(err)
	}
	image, err := images.Ensure(context.Background(), engine)
	if err != nil {
		panic(err)
	}
	fmt.Println(image.ID, image.Built)
}
`

func runIn(t *testing.T, dir string, argv ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	command.Dir = dir
	command.Stderr = t.Output()
	output, err := command.Output()
	require.NoError(t, err, "%v", argv)
	return string(output)
}

// serveModule makes the module in dir the one that the go command can download,
// into a module cache of the test's own.
func serveModule(t *testing.T, dir, version string) {
	t.Helper()
	proxy := t.TempDir()
	versions := filepath.Join(proxy, filepath.FromSlash(modulePath), "@v")
	writeFile(t, versions, version+".info", `{"Version":"`+version+`"}`)
	writeFile(t, versions, version+".mod", fixture["go.mod"])
	archive, err := os.Create(filepath.Join(versions, version+".zip"))
	require.NoError(t, err)
	require.NoError(t, zip.CreateFromDir(archive, module.Version{Path: modulePath, Version: version}, dir))
	require.NoError(t, archive.Close())

	t.Setenv("GOPROXY", (&url.URL{Scheme: "file", Path: filepath.ToSlash(proxy)}).String())
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Cleanup(func() { // the go command makes it read-only
		output, err := exec.Command("go", "clean", "-modcache").CombinedOutput()
		assert.NoError(t, err, "%s", output)
	})
}
