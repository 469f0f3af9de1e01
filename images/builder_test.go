package images

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEnsureBuildsOnlyWhenSourcesChanged(t *testing.T) {
	engine := testEngine(t)
	dir := writeFixture(t)
	b, lines := testBuilder(t, engine, dir)

	first, err := b.ensure(t.Context())
	require.NoError(t, err)
	assert.True(t, first.Built)
	assert.NotEmpty(t, first.Source)
	assert.Len(t, *lines, 1, "the one step that takes long is announced")

	again, err := b.ensure(t.Context())
	require.NoError(t, err)
	assert.False(t, again.Built)
	assert.Equal(t, first.ID, again.ID)
	assert.Equal(t, first.Source, again.Source)
	assert.Len(t, *lines, 1, "nothing is announced where nothing is done")

	writeFile(t, dir, "nodes/internal/say/words", "hello again")
	changed, err := b.ensure(t.Context())
	require.NoError(t, err)
	assert.True(t, changed.Built)
	assert.NotEqual(t, first.ID, changed.ID)
	assertGone(t, engine, first.ID)

	writeFile(t, dir, "nodes/internal/say/words", fixture["nodes/internal/say/words"])
	back, err := b.ensure(t.Context())
	require.NoError(t, err)
	assert.Equal(t, first.ID, back.ID, "the same sources give the same image")
	assertGone(t, engine, changed.ID)
}

func TestEnsureMakesAnImageOfProgramsOnly(t *testing.T) {
	engine := testEngine(t)
	b, _ := testBuilder(t, engine, writeFixture(t))
	image, err := b.ensure(t.Context())
	require.NoError(t, err)

	saved := saveImage(t, engine, image.Name)
	assert.ElementsMatch(t, []string{"bin", "bin/hello", "bin/idle"}, names(saved.files))
	assert.Empty(t, saved.config.Entrypoint)
	assert.Empty(t, saved.config.Cmd)
	assert.Equal(t, []string{"PATH=/bin"}, saved.config.Env)
	for name, file := range saved.files {
		assert.EqualValues(t, 0o755, file.mode, name)
	}
}

func TestEnsureLeavesAnImageInUse(t *testing.T) {
	engine := testEngine(t)
	dir := writeFixture(t)
	b, _ := testBuilder(t, engine, dir)
	used, err := b.ensure(t.Context())
	require.NoError(t, err)
	container := createContainer(t, engine, used.ID)

	writeFile(t, dir, "nodes/internal/say/words", "hello again")
	_, err = b.ensure(t.Context())
	require.NoError(t, err)
	_, err = engine.ImageInspect(t.Context(), used.ID)
	require.NoError(t, err, "a container uses the image")

	removeContainer(t, engine, container)
	writeFile(t, dir, "nodes/internal/say/words", "hello once more")
	_, err = b.ensure(t.Context())
	require.NoError(t, err)
	assertGone(t, engine, used.ID)
}

func TestEnsureLeavesTheNamesOfOthers(t *testing.T) {
	engine := testEngine(t)
	dir := writeFixture(t)
	b, _ := testBuilder(t, engine, dir)
	image, err := b.ensure(t.Context())
	require.NoError(t, err)
	kept := testName(t, engine, "crosslan/images-test")
	_, err = engine.ImageTag(t.Context(), client.ImageTagOptions{Source: image.Name, Target: kept})
	require.NoError(t, err)

	writeFile(t, dir, "nodes/internal/say/words", "hello again")
	_, err = b.ensure(t.Context())
	require.NoError(t, err)
	inspected, err := engine.ImageInspect(t.Context(), kept)
	require.NoError(t, err)
	assert.Equal(t, image.ID, inspected.ID)
}

func TestEnsureBuildsOnceForAllWhoAsk(t *testing.T) {
	engine := testEngine(t)
	dir := writeFixture(t)
	first, _ := testBuilder(t, engine, dir)
	images := make([]Image, 3)
	errs := make([]error, len(images))
	var callers sync.WaitGroup
	for i := range images {
		callers.Go(func() {
			b := *first
			b.report = func(string) {}
			images[i], errs[i] = b.ensure(t.Context())
		})
	}
	callers.Wait()

	built := 0
	for i, image := range images {
		require.NoError(t, errs[i])
		assert.Equal(t, images[0].ID, image.ID)
		if image.Built {
			built++
		}
	}
	assert.Equal(t, 1, built)
}

func TestEnsureGivesUpWaitingWithItsContext(t *testing.T) {
	engine := testEngine(t)
	b, _ := testBuilder(t, engine, writeFixture(t))
	unlock, err := b.lock(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, unlock()) }()

	ctx, cancel := context.WithCancel(t.Context())
	b.report = func(string) { cancel() } // it says that it waits
	_, err = b.ensure(ctx)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestEnsureLeavesNothingOfACancelledBuild(t *testing.T) {
	engine := testEngine(t)
	t.Setenv("TMPDIR", t.TempDir())
	b, lines := testBuilder(t, engine, writeFixture(t))
	// The compiler starts from nothing, which takes it seconds.
	t.Setenv("GOCACHE", filepath.Join(t.TempDir(), "cache"))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := b.ensure(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotEmpty(t, *lines, "the compilation had begun")
	assertEmpty(t, os.TempDir())
	_, found, err := b.inspect(t.Context())
	require.NoError(t, err)
	assert.False(t, found)
}

func TestEnsureShowsWhatDoesNotCompile(t *testing.T) {
	engine := testEngine(t)
	t.Setenv("TMPDIR", t.TempDir())
	dir := writeFixture(t)
	writeFile(t, dir, "nodes/idle/main.go", "package main\n\nfunc main() { undefined() }\n")
	b, _ := testBuilder(t, engine, dir)
	_, err := b.ensure(t.Context())
	require.ErrorContains(t, err, "main.go:3:15: undefined: undefined")
	assertEmpty(t, os.TempDir())
}

func TestEnsureWithoutGo(t *testing.T) {
	engine := testEngine(t)
	dir := writeFixture(t)
	b, lines := testBuilder(t, engine, dir)
	path := t.TempDir()

	t.Run("and without an image", func(t *testing.T) {
		t.Setenv("PATH", path)
		_, err := b.ensure(t.Context())
		assert.ErrorContains(t, err, "install Go")
	})
	image, err := b.ensure(t.Context())
	require.NoError(t, err)
	t.Run("with an image", func(t *testing.T) {
		t.Setenv("PATH", path)
		writeFile(t, dir, "nodes/internal/say/words", "hello again")
		*lines = nil
		present, err := b.ensure(t.Context())
		require.NoError(t, err)
		assert.Equal(t, image.ID, present.ID)
		assert.Len(t, *lines, 1, "that the image may be old is said")
	})
}

// TestEnsureIsQuickWhenNothingChanged is on the module's own nodes, with the
// image that everyone uses.
func TestEnsureIsQuickWhenNothingChanged(t *testing.T) {
	engine := testEngine(t)
	first, err := Ensure(t.Context(), engine, Progress(func(line string) { t.Log(line) }))
	require.NoError(t, err)

	start := time.Now()
	second, err := Ensure(t.Context(), engine)
	took := time.Since(start)
	require.NoError(t, err)
	assert.False(t, second.Built)
	assert.Equal(t, first.ID, second.ID)
	assert.Less(t, took, time.Second)
}

func assertGone(t *testing.T, engine *client.Client, id string) {
	t.Helper()
	_, err := engine.ImageInspect(t.Context(), id)
	assert.True(t, errdefs.IsNotFound(err), "the replaced image %s: %v", id, err)
}
