package scenarios

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serves is a program that prints ready, then what it is sent, until told is
// closed; then it ends with the status.
func serves(told <-chan string, exit int) program {
	return func(ctx context.Context, out io.Writer) (int, error) {
		fmt.Fprintln(out, "ready      sink")
		for {
			select {
			case line, ok := <-told:
				if !ok {
					return exit, nil
				}
				fmt.Fprintln(out, line)
			case <-ctx.Done():
				return -1, ctx.Err()
			}
		}
	}
}

// tells is a program that sends a line.
func tells(to chan<- string, line string) program {
	return func(context.Context, io.Writer) (int, error) {
		to <- line
		return 0, nil
	}
}

func TestBackgroundWait(t *testing.T) {
	told := make(chan string)
	stage := newStage()
	stage.programs["sink"] = serves(told, 3)
	stage.programs["send"] = tells(told, "chunk      5")
	stage.programs["hang-up"] = func(context.Context, io.Writer) (int, error) {
		close(told)
		return 0, nil
	}
	l := console(t, `
host-b& sink
ready      …
chunk      5
[exit 3]
host-a$ send
host-a$ hang-up
lab$ wait host-b`)
	var out bytes.Buffer
	result, err := Play(t.Context(), l, stage, Options{Out: &out})
	require.NoError(t, err)
	assert.Equal(t, `host-b& sink
ready      sink
host-a$ send
host-a$ hang-up
lab$ wait host-b
host-b& sink
…
chunk      5
[exit 3]
`, out.String())
	assert.Equal(t, "ready      sink\nchunk      5\n", result.Steps[2].Output)
	assert.Equal(t, 3, result.Steps[2].Exit)
}

// TestBackgroundReady checks that the lesson goes on only after the line with
// ready, and then at once.
func TestBackgroundReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, isReady := make(chan struct{}), false
		stage := newStage()
		stage.programs["server"] = func(ctx context.Context, out io.Writer) (int, error) {
			<-begin
			isReady = true
			fmt.Fprint(out, "listening\nready      echo\naccepted\n")
			<-ctx.Done()
			return -1, ctx.Err()
		}
		stage.programs["client"] = func(context.Context, io.Writer) (int, error) {
			assert.True(t, isReady)
			return 0, nil
		}
		go func() {
			synctest.Wait()
			close(begin)
		}()
		var out bytes.Buffer
		_, err := Play(t.Context(), console(t, "host-b& server\nlistening\nready      …\naccepted\nhost-a$ client"), stage, Options{Out: &out})
		require.NoError(t, err)
		assert.Equal(t, "host-b& server\nlistening\nready      echo\nhost-a$ client\nhost-b& server\n…\naccepted\n", out.String())
		assert.Zero(t, stage.running)
	})
}

// TestBackgroundLessonEnd checks that the lesson's end waits for the lines of
// what still runs, and no longer.
func TestBackgroundLessonEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan string)
		stage := newStage()
		stage.programs["sink"] = serves(told, 0)
		go func() {
			told <- "chunk      5"
			synctest.Wait()
			told <- "chunk      6"
		}()
		var out bytes.Buffer
		result, err := Play(t.Context(), console(t, "host-b& sink\n…\nchunk      6"), stage, Options{Out: &out})
		require.NoError(t, err)
		assert.Equal(t, "host-b& sink\nhost-b& sink\nready      sink\nchunk      5\nchunk      6\n", out.String())
		assert.Equal(t, -1, result.Steps[0].Exit)
		assert.Zero(t, stage.running)
	})
}

func TestBackgroundMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		program program
		lesson  string
		want    string
	}{
		"wrong line at the end": {stays("a\nb\n"), "host-b& p\na\nc", `
lesson.md:4: host-b& p
    want  c
    got   b`},
		"line too late": {stays("a\n"), "host-b& p\na\nc", `
lesson.md:4: host-b& p
    want  c
    got   (nothing more within 1m0s)`},
		"no ready": {stays("a\n"), "host-b& p\na\nready", `
lesson.md:4: host-b& p
    want  ready
    got   (nothing more within 1m0s)`},
		"not ready but ended": {prints("server: bind: EADDRINUSE (98)\n", 1), "host-b& p\nready", `
lesson.md:3: host-b& p
    want  ready
    got   server: bind: EADDRINUSE (98)
    and   exit status 1 instead of 0`},
		"another ready": {stays("ready      udp\n"), "host-b& p\nready      tcp\nhost-a$ p", `
lesson.md:3: host-b& p
    want  ready      tcp
    got   ready      udp`},
		"not started": {func(context.Context, io.Writer) (int, error) { return 0, errors.New("no such file") }, "host-b& p\nlab$ wait host-b", `
lesson.md:2: host-b& p: no such file`},
		"wrong status": {prints("", 1), "host-b& p\nlab$ wait host-b", `
lesson.md:2: host-b& p
    want  exit status 0
    got   [exit 1]`},
		"never ends": {stays("a\n"), "host-b& p\na\nlab$ wait host-b", `
lesson.md:2: host-b& p: not finished after 1m0s; wait for no program that is to stay: the lesson's end stops it`},
		"too many lines before its end": {prints("a\nb\n", 0), "host-b& p\na\nlab$ wait host-b", `
lesson.md:3: host-b& p
    want  (nothing more)
    got   b`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage := newStage()
				stage.programs["p"] = c.program
				_, err := Play(t.Context(), console(t, c.lesson), stage, Options{})
				require.EqualError(t, err, c.want[1:])
				assert.Zero(t, stage.running)
			})
		})
	}
}

// TestBackgroundOwned checks that a lesson that fails leaves nothing running.
func TestBackgroundOwned(t *testing.T) {
	stage := newStage()
	stage.programs["server"] = stays("")
	stage.programs["client"] = prints("no\n", 1)
	_, err := Play(t.Context(), console(t, "host-b& server\nrelay& server\nhost-a$ client\nyes"), stage, Options{})
	require.Error(t, err)
	assert.Zero(t, stage.running)
}
