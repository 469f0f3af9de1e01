package images

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testEngine returns a client of the engine, which these tests need: without one
// they fail, since a skipped test would prove nothing.
func testEngine(t *testing.T) *client.Client {
	t.Helper()
	engine, err := client.New(client.FromEnv)
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	if _, err := engine.Ping(t.Context(), client.PingOptions{}); err != nil {
		t.Fatalf("this test needs a Docker engine: %v", err)
	}
	return engine
}

// testName returns an image name of this test's own, whose image goes with it.
func testName(t *testing.T, engine *client.Client, repository string) string {
	t.Helper()
	name := repository + ":" + strings.ToLower(rand.Text())
	t.Cleanup(func() { removeImage(t, engine, name) })
	return name
}

// removeImage removes an image that need not exist.
func removeImage(t *testing.T, engine *client.Client, name string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	_, err := engine.ImageRemove(ctx, name, client.ImageRemoveOptions{Force: true, PruneChildren: true})
	if err != nil && !errdefs.IsNotFound(err) {
		t.Errorf("remove %s: %v", name, err)
	}
}

// savedImage is an image as the engine gives it out again.
type savedImage struct {
	files  map[string]savedFile // by path
	config v1.Config            // without what does not matter to a container
	target string               // operating system and architecture
}

type savedFile struct {
	kind     byte // tar's type flag
	mode     int64
	uid, gid int
	size     int64
	sha256   string
}

// saveImage reads an image back from the engine.
func saveImage(t *testing.T, engine *client.Client, name string) savedImage {
	t.Helper()
	stream, err := engine.ImageSave(t.Context(), []string{name})
	require.NoError(t, err)
	archive, err := io.ReadAll(stream)
	require.NoError(t, errors.Join(err, stream.Close()))
	image, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }, nil)
	require.NoError(t, err)
	file, err := image.ConfigFile()
	require.NoError(t, err)

	layers := mutate.Extract(image)
	defer func() { require.NoError(t, layers.Close()) }()
	config := file.Config
	config.Labels, config.Image = nil, ""
	return savedImage{files: readFiles(t, layers), config: config, target: file.OS + "/" + file.Architecture}
}

func readFiles(t *testing.T, stream io.Reader) map[string]savedFile {
	t.Helper()
	files := make(map[string]savedFile)
	archive := tar.NewReader(stream)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		content := sha256.New()
		size, err := io.Copy(content, archive)
		require.NoError(t, err)
		files[strings.TrimSuffix(header.Name, "/")] = savedFile{
			kind: header.Typeflag, mode: header.Mode & 0o7777, uid: header.Uid, gid: header.Gid,
			size: size, sha256: fmt.Sprintf("%x", content.Sum(nil)),
		}
	}
}

func names(files map[string]savedFile) []string {
	return slices.Sorted(maps.Keys(files))
}

// createContainer creates a container that is never started.
func createContainer(t *testing.T, engine *client.Client, image string) string {
	t.Helper()
	created, err := engine.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Config: &container.Config{Image: image, Cmd: []string{"idle"}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { removeContainer(t, engine, created.ID) })
	return created.ID
}

// removeContainer removes a container that need not exist.
func removeContainer(t *testing.T, engine *client.Client, id string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	_, err := engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
	if err != nil && !errdefs.IsNotFound(err) {
		t.Errorf("remove container %s: %v", id, err)
	}
}

// assertEmpty asserts that nothing is in a directory.
func assertEmpty(t *testing.T, directory string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	assert.Empty(t, entries)
}
