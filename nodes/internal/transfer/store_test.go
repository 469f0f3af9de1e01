package transfer

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// served returns an open directory with a file, a folder, and symbolic links that
// stay in it and that leave it.
func served(t *testing.T) (*os.Root, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "served")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "folder"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("before"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "..", "secret"), []byte("secret"), 0o644))
	for name, target := range map[string]string{"out": "../secret", "abs": "/etc/passwd", "in": "file", "gone": "nowhere"} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { root.Close() })
	return root, dir
}

func noProgress(int64) {}

func TestStore(t *testing.T) {
	root, dir := served(t)
	for _, name := range []string{"new", "folder/new", "file", "in"} {
		d, err := Store(root, name, iotest.OneByteReader(strings.NewReader("hello and more")), 5, noProgress)
		require.NoError(t, err, name)
		assert.Equal(t, Digest{"5d41402abc4b2a76b9719d911017c592", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}, d)
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, "hello", string(b), name)
	}
	info, err := os.Lstat(filepath.Join(dir, "in"))
	require.NoError(t, err)
	assert.True(t, info.Mode().IsRegular(), "an upload takes the place of a link, not of what it leads to")
	_, err = Store(root, "empty", strings.NewReader("x"), 0, noProgress)
	assert.NoError(t, err)
}

func TestNamesThatLeaveTheDirectory(t *testing.T) {
	root, dir := served(t)
	for name, want := range map[string]string{
		"../secret":           "../secret leaves the served directory",
		"/etc/passwd":         "/etc/passwd leaves the served directory",
		"folder/../../secret": "folder/../../secret leaves the served directory",
		"out":                 "out leaves the served directory",
		"abs":                 "abs leaves the served directory",
		"a\x00b":              `"a\x00b" has a NUL in it`,
	} {
		_, _, err := Open(root, name)
		assert.EqualError(t, err, want)
		_, err = Store(root, name, strings.NewReader("bad"), 3, noProgress)
		assert.EqualError(t, err, want)
	}
	b, err := os.ReadFile(filepath.Join(dir, "..", "secret"))
	require.NoError(t, err)
	assert.Equal(t, "secret", string(b))
}

func TestWhatIsNotAFile(t *testing.T) {
	root, _ := served(t)
	for _, name := range []string{"folder", "pipe"} {
		_, _, err := Open(root, name) // of a pipe, it must not wait for a writer
		assert.EqualError(t, err, name+" is not a file")
		_, err = Store(root, name, strings.NewReader("x"), 1, noProgress)
		assert.EqualError(t, err, name+" is there and is not a file")
	}
	_, _, err := Open(root, "none")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = Store(root, ".crosslan-part-x", strings.NewReader("x"), 1, noProgress)
	assert.EqualError(t, err, ".crosslan-part-x is a name of the server's own")
}

// TestABrokenOffUploadLeavesNothing, and what was there before stays.
func TestABrokenOffUploadLeavesNothing(t *testing.T) {
	root, dir := served(t)
	before := list(t, dir)
	_, err := Store(root, "new", strings.NewReader("abc"), 5, noProgress)
	assert.Equal(t, &ShortError{Got: 3, Want: 5}, err)
	_, err = Store(root, "file", iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("abcde"))), 5, noProgress)
	assert.ErrorIs(t, err, iotest.ErrTimeout)
	assert.Equal(t, before, list(t, dir))
	b, err := os.ReadFile(filepath.Join(dir, "file"))
	require.NoError(t, err)
	assert.Equal(t, "before", string(b))
}

// TestAFullDisk is a file system of its own, of 16 pages.
func TestAFullDisk(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, unix.Mount("crosslan-test", dir, "tmpfs", 0, "size=64k"), "this test needs root")
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("before"), 0o644))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	for _, name := range []string{"new", "file"} {
		_, err = Store(root, name, endless{}, 1<<20, noProgress)
		assert.EqualError(t, err, name+": ENOSPC (28) no space left on device")
	}
	assert.Equal(t, []string{"file"}, list(t, dir))
	_, err = Store(root, "small", endless{}, 1<<10, noProgress)
	assert.NoError(t, err, "what was refused must not still take the space")
}

// endless is zeros without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestSendOfAFileThatShrinks(t *testing.T) {
	_, err := Send(io.Discard, strings.NewReader("abc"), 5, noProgress)
	assert.EqualError(t, err, "broke off after 3 of 5 bytes")
	broken := errors.New("broken")
	_, err = Send(io.Discard, iotest.ErrReader(broken), 5, noProgress)
	assert.Equal(t, broken, err)
}

// TestConstantMemory: a file of 100 MB passes through one buffer.
func TestConstantMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Send(io.Discard, endless{}, 100e6, noProgress)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
