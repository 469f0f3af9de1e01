package scenarios

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlay(t *testing.T) {
	stage := newStage()
	stage.programs["echo"] = prints("connected  10.4.1.10:40112\nreply      Hello", 0)
	stage.programs["dial"] = prints("client: connect: ENETUNREACH (101)\n", 1)
	l := console(t, `
host-a$ echo "Hello, world"
connected  10.4.1.10:…
reply      Hello
lab$ cut host-a lan-a
host-a$ dial
client: connect: ENETUNREACH (101)
[exit 1]`)
	var out bytes.Buffer
	result, err := Play(t.Context(), l, stage, Options{Out: &out})
	require.NoError(t, err)
	assert.Equal(t, `host-a$ echo "Hello, world"
connected  10.4.1.10:40112
reply      Hello
lab$ cut host-a lan-a
host-a$ dial
client: connect: ENETUNREACH (101)
[exit 1]
`, out.String())
	assert.Equal(t, []string{"host-a echo|Hello, world", "do cut host-a|lan-a", "host-a dial"}, stage.done)
	for i := range result.Steps {
		result.Steps[i].Took = 0
	}
	assert.Equal(t, []Played{
		{Line: 2, Command: `host-a$ echo "Hello, world"`, Output: "connected  10.4.1.10:40112\nreply      Hello"},
		{Line: 5, Command: "lab$ cut host-a lan-a"},
		{Line: 6, Command: "host-a$ dial", Output: "client: connect: ENETUNREACH (101)\n", Exit: 1},
	}, result.Steps)
}

func TestPlayStopsAtTheFirstWrongLine(t *testing.T) {
	stage := newStage()
	stage.programs["echo"] = prints("reply  no\n", 0)
	result, err := Play(t.Context(), console(t, "host-a$ echo\nreply  yes\nhost-a$ echo\nreply  no"), stage, Options{})
	var m *Mismatch
	require.ErrorAs(t, err, &m)
	assert.Equal(t, &Mismatch{File: "lesson.md", Line: 3, Command: "host-a$ echo", Want: "reply  yes", Got: "reply  no"}, m)
	assert.Len(t, stage.done, 1)
	assert.Len(t, result.Steps, 1)
}

func TestPlayChecksFirst(t *testing.T) {
	stage := newStage()
	_, err := Play(t.Context(), console(t, "host-a$ echo\nhost-x$ echo"), stage, Options{})
	require.EqualError(t, err, `lesson.md:3: no node "host-x"; this lab has host-a, host-b, relay`)
	assert.Empty(t, stage.done)
}

// TestPlayShowsLive checks that a command's line and its first output are
// shown while it still runs.
func TestPlayShowsLive(t *testing.T) {
	stage := newStage()
	var out bytes.Buffer
	stage.programs["echo"] = func(_ context.Context, w io.Writer) (int, error) {
		fmt.Fprint(w, "one\ntw")
		assert.Equal(t, "host-a$ echo\none\ntw", out.String())
		fmt.Fprint(w, "o\n")
		return 0, nil
	}
	_, err := Play(t.Context(), console(t, "host-a$ echo\none\ntwo"), stage, Options{Out: &out})
	require.NoError(t, err)
}

func TestPlayProse(t *testing.T) {
	stage := newStage()
	stage.programs["echo"] = prints("one\n\ntwo\n", 0)
	l := parse(t, "# echo: *Who* answers?\n\n你好，\n世界\n\n```topology\na --- b\n```\n\n```console\nhost-a$ echo\none\n\ntwo\n```\n\nThe end.\n")
	for name, c := range map[string]struct {
		color bool
		want  string
	}{
		"plain":  {false, "echo: Who answers?\n==================\n\n你好，世界\n\na --- b\n\n    host-a$ echo\n    one\n\n    two\n\nThe end.\n"},
		"colour": {true, "\x1b[1mecho: \x1b[0m\x1b[1m\x1b[3mWho\x1b[0m\x1b[1m answers?\x1b[0m\n\n你好，世界\n\na --- b\n\n    \x1b[32m\x1b[1mhost-a$\x1b[0m\x1b[1m echo\x1b[0m\n    one\n\n    two\n\nThe end.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := Play(t.Context(), l, stage, Options{Out: &out, Prose: true, Color: c.color})
			require.NoError(t, err)
			assert.Equal(t, c.want, out.String())
		})
	}
}

func TestPlayBefore(t *testing.T) {
	stage := newStage()
	stage.programs["echo"] = prints("", 0)
	var asked []string
	enough := errors.New("enough")
	_, err := Play(t.Context(), console(t, "host-a$ echo 1\nhost-a$ echo 2"), stage, Options{
		Before: func(_ context.Context, s Step) error {
			asked = append(asked, s.Text)
			if len(asked) == 2 {
				return enough
			}
			return nil
		},
	})
	require.ErrorIs(t, err, enough)
	assert.Equal(t, []string{"host-a$ echo 1", "host-a$ echo 2"}, asked)
	assert.Equal(t, []string{"host-a echo|1"}, stage.done)
}

func TestPlayTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := newStage()
		stage.programs["server"] = stays("ready\n")
		begin := time.Now()
		_, err := Play(t.Context(), console(t, "host-a$ server\nready"), stage, Options{})
		require.EqualError(t, err, "lesson.md:2: host-a$ server: not finished after 1m0s; start what is to stay with host-a&")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, DefaultStepLimit, time.Since(begin))
	})
}

func TestPlayStageErrors(t *testing.T) {
	refused := errors.New("network not found")
	stage := newStage()
	stage.refuses["cut"] = refused
	_, err := Play(t.Context(), console(t, "lab$ cut host-a lan-z"), stage, Options{})
	require.EqualError(t, err, "lesson.md:2: lab$ cut host-a lan-z: network not found")
	require.ErrorIs(t, err, refused)

	_, err = Play(t.Context(), console(t, "host-a$ nothing"), stage, Options{})
	require.EqualError(t, err, "lesson.md:2: host-a$ nothing: no program nothing")
}

func TestPlayTooMuchOutput(t *testing.T) {
	stage := newStage()
	stage.programs["yes"] = func(ctx context.Context, out io.Writer) (int, error) {
		for ctx.Err() == nil {
			if _, err := io.WriteString(out, strings.Repeat("y\n", 1000)); err != nil {
				return -1, err
			}
		}
		return -1, ctx.Err()
	}
	_, err := Play(t.Context(), console(t, "host-a$ yes\n…"), stage, Options{})
	require.EqualError(t, err, "lesson.md:2: host-a$ yes: printed more than 1048576 bytes")
	_, err = Play(t.Context(), console(t, "host-a& yes\n…\nlab$ wait host-a"), stage, Options{})
	require.EqualError(t, err, "lesson.md:2: host-a& yes: printed more than 1048576 bytes")
	assert.Zero(t, stage.running)
}

func TestPlayCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		stage := newStage()
		stage.programs["server"] = stays("")
		go func() {
			synctest.Wait()
			cancel()
		}()
		_, err := Play(ctx, console(t, "host-b& server\nhost-a$ server"), stage, Options{})
		require.ErrorIs(t, err, context.Canceled)
		require.EqualError(t, err, "lesson.md:3: host-a$ server: context canceled")
		assert.Zero(t, stage.running, "the command in the background has been waited for")
	})
}

// brokenWriter is a terminal that has gone.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestPlayNobodyReads(t *testing.T) {
	stage := newStage()
	stage.programs["echo"] = prints("one\n", 0)
	_, err := Play(t.Context(), console(t, "host-a$ echo\none\nhost-a$ echo\none"), stage, Options{Out: brokenWriter{}})
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.EqualError(t, err, "show the lesson: io: read/write on closed pipe")
	assert.Len(t, stage.done, 1)
}
