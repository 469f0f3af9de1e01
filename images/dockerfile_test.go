package images

import (
	"bytes"
	"context"
	"encoding/json"
	"go/version"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/moby/go-archive"
	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/jsonmessage"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/images/internal/standin"
)

// TestDockerfileHasTheRecipe finds without an engine, and for all architectures,
// where the Dockerfile and recipe.go have drifted apart.
func TestDockerfileHasTheRecipe(t *testing.T) {
	text := readDockerfile(t)

	command := []string{"go", "build"}
	command = append(command, buildFlags()...)
	command = append(command, "-o", "/out/"+binDirectory+"/", nodesPattern)
	line := regexp.MustCompile(`(?m)^RUN (\[.*\])$`).FindStringSubmatch(text)
	require.NotNil(t, line, "the one RUN")
	var run []string
	require.NoError(t, json.Unmarshal([]byte(line[1]), &run))
	assert.Equal(t, command, run)

	joined := strings.ReplaceAll(text, "\\\n", "")
	env := regexp.MustCompile(`(?m)^ENV (.*)$`).FindAllStringSubmatch(joined, -1)
	require.Len(t, env, 2, "one ENV a stage")
	assert.Equal(t, buildEnv(), strings.Fields(env[0][1]))
	assert.Equal(t, pathVariable, env[1][1])
}

// TestDockerfileHasTheModulesGo: the golang image has the Go release of go.mod.
func TestDockerfileHasTheModulesGo(t *testing.T) {
	module, err := os.ReadFile(filepath.Join("..", "go.mod"))
	require.NoError(t, err)
	release := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(module)
	require.NotNil(t, release)
	language := strings.TrimPrefix(version.Lang("go"+string(release[1])), "go")
	assert.Contains(t, readDockerfile(t), "ARG GOLANG=golang:"+language+"\n")
}

// TestNodesAreAllThatIsCompiled: the nodes know nothing of the module's other
// packages, which neither the digest nor the Dockerfile's context covers.
func TestNodesAreAllThatIsCompiled(t *testing.T) {
	command := exec.CommandContext(t.Context(), "go", "list", "-deps", nodesPattern)
	command.Dir = ".."
	command.Env = append(command.Environ(), buildEnv()...)
	command.Env = append(command.Env, "GOOS=linux")
	output, err := command.Output()
	require.NoError(t, err)
	for name := range strings.FieldsSeq(string(output)) {
		if strings.HasPrefix(name, modulePath+"/") {
			assert.True(t, strings.HasPrefix(name, modulePath+"/nodes/"), "the nodes import %s", name)
		}
	}
}

// TestDockerfileMakesTheSameImage builds both ways, the Dockerfile's from a
// stand-in with the local toolchain, and compares the images file by file. What
// is slow, the module's own nodes, goes through the builder that "docker
// compose build" takes.
func TestDockerfileMakesTheSameImage(t *testing.T) {
	engine := testEngine(t)
	forgetBuildCache(t, engine)
	golang := testName(t, engine, "crosslan/golang-test")
	_, made, err := standin.Import(t.Context(), engine, golang)
	require.NoError(t, err)
	require.True(t, made)

	t.Run("the nodes, by BuildKit", func(t *testing.T) {
		image, err := Ensure(t.Context(), engine)
		require.NoError(t, err)
		assertDockerfileMakes(t, engine, saveImage(t, engine, image.ID), "..", golang, build.BuilderBuildKit)
	})
	t.Run("a small module, by the classic builder", func(t *testing.T) {
		dir := writeFixture(t)
		writeFile(t, dir, "images/Dockerfile", readDockerfile(t))
		ignore, err := os.ReadFile(filepath.Join("..", ".dockerignore"))
		require.NoError(t, err)
		writeFile(t, dir, ".dockerignore", string(ignore))
		b, _ := testBuilder(t, engine, dir)
		image, err := b.ensure(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { removeStages(t, engine, golang) })
		assertDockerfileMakes(t, engine, saveImage(t, engine, image.ID), dir, golang, build.BuilderV1)
	})
}

// TestNodeImageHasEachProgram compares the image with the directories of nodes/.
func TestNodeImageHasEachProgram(t *testing.T) {
	engine := testEngine(t)
	image, err := Ensure(t.Context(), engine)
	require.NoError(t, err)

	mains, err := filepath.Glob(filepath.Join("..", "nodes", "*", "main.go"))
	require.NoError(t, err)
	require.NotEmpty(t, mains)
	want := []string{"bin"}
	for _, main := range mains {
		want = append(want, "bin/"+filepath.Base(filepath.Dir(main)))
	}
	assert.ElementsMatch(t, want, names(saveImage(t, engine, image.ID).files))
}

// assertDockerfileMakes builds the Dockerfile of the module in dir and compares
// the image with want.
func assertDockerfileMakes(
	t *testing.T, engine *client.Client, want savedImage, dir, golang string, builder build.BuilderVersion,
) {
	t.Helper()
	name := testName(t, engine, "crosslan/dockerfile-test")
	proxy, err := exec.CommandContext(t.Context(), "go", "env", "GOPROXY").Output()
	require.NoError(t, err)
	goproxy := strings.TrimSpace(string(proxy))
	response, err := engine.ImageBuild(t.Context(), buildContext(t, dir), client.ImageBuildOptions{
		Version:     builder,
		Dockerfile:  "images/Dockerfile",
		Tags:        []string{name},
		BuildArgs:   map[string]*string{"GOLANG": &golang, "GOPROXY": &goproxy},
		Remove:      true,
		ForceRemove: true,
	})
	require.NoError(t, err)
	var log bytes.Buffer
	err = jsonmessage.DisplayStream(response.Body, &log)
	require.NoError(t, err, "%s", &log)
	require.NoError(t, response.Body.Close())

	got := saveImage(t, engine, name)
	assert.Equal(t, want.files, got.files)
	assert.Equal(t, want.config, got.config)
	assert.Equal(t, want.target, got.target)
}

// buildContext packs the module in dir as "docker build" sends it: without what
// .dockerignore excludes, yet always with the Dockerfile.
func buildContext(t *testing.T, dir string) io.Reader {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, ".dockerignore"))
	require.NoError(t, err)
	patterns, err := ignorefile.ReadAll(file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	stream, err := archive.TarWithOptions(dir, &archive.TarOptions{
		ExcludePatterns: append(patterns, "!images/Dockerfile"),
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, stream.Close()) })
	return stream
}

// forgetBuildCache takes away, when the test ends, what BuildKit keeps of the
// builds that began after this call.
func forgetBuildCache(t *testing.T, engine *client.Client) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	before := buildCache(ctx, t, engine)
	t.Cleanup(func() {
		// A record goes only after those that were made from it: each round
		// removes some, or the rest belongs to a build that still runs.
		for removed := 1; removed > 0; {
			removed = 0
			for id := range buildCache(ctx, t, engine) {
				if !before[id] {
					removed += pruneRecord(ctx, t, engine, id)
				}
			}
		}
	})
}

// pruneRecord removes a record of BuildKit's cache unless another one or an
// image needs it, and returns how many it removed.
func pruneRecord(ctx context.Context, t *testing.T, engine *client.Client, id string) int {
	t.Helper()
	result, err := engine.BuildCachePrune(ctx, client.BuildCachePruneOptions{
		All: true, Filters: make(client.Filters).Add("id", id),
	})
	require.NoError(t, err)
	return len(result.Report.CachesDeleted)
}

// buildCache returns the IDs of BuildKit's cache records.
func buildCache(ctx context.Context, t *testing.T, engine *client.Client) map[string]bool {
	t.Helper()
	usage, err := engine.DiskUsage(ctx, client.DiskUsageOptions{BuildCache: true, Verbose: true})
	require.NoError(t, err)
	ids := make(map[string]bool)
	for _, record := range usage.BuildCache.Items {
		ids[record.ID] = true
	}
	return ids
}

// removeStages removes the nameless images that the classic builder left of
// stages that started from a stand-in.
func removeStages(t *testing.T, engine *client.Client, golang string) {
	t.Helper()
	filters := make(client.Filters).Add("dangling", "true").Add("label", standin.Label+"="+golang)
	list, err := engine.ImageList(context.WithoutCancel(t.Context()), client.ImageListOptions{Filters: filters})
	require.NoError(t, err)
	for _, image := range list.Items {
		removeImage(t, engine, image.ID)
	}
}

func readDockerfile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	require.NoError(t, err)
	return string(text)
}
