package scenarios

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLogs(t *testing.T) {
	stage := newStage()
	stage.logs["relay"] = stays("ready\naccepted   1\nnoise\naccepted   2\nclosed     1\naccepted   3\n")
	l := console(t, `
lab$ logs relay
accepted   1
…
accepted   …
lab$ logs relay
accepted   …`)
	var out bytes.Buffer
	result, err := Play(t.Context(), l, stage, Options{Out: &out})
	require.NoError(t, err)
	assert.Equal(t, "lab$ logs relay\n…\naccepted   1\n…\naccepted   2\nlab$ logs relay\n…\naccepted   3\n", out.String(),
		"the second goes on where the first stopped")
	assert.Equal(t, "accepted   1\naccepted   2\n", result.Steps[0].Output)
}

// TestLogsWaits checks that a line may come late, and in pieces.
func TestLogsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := newStage()
		stage.logs["relay"] = func(ctx context.Context, out io.Writer) (int, error) {
			for _, piece := range []string{"acc", "epted  1\r\nclo", "sed\n"} {
				synctest.Wait()
				if _, err := io.WriteString(out, piece); err != nil {
					return -1, err
				}
			}
			<-ctx.Done()
			return 0, ctx.Err()
		}
		_, err := Play(t.Context(), console(t, "lab$ logs relay\naccepted  1\nclosed"), stage, Options{})
		require.NoError(t, err)
	})
}

func TestLogsMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		log  program
		want string
	}{
		"never came": {stays("ready\naccepted\nrefused\n"), `
lesson.md:4: lab$ logs relay
    want  closed
    got   (not in the log of relay within 30s; what came instead:)
          refused`},
		"wrong order": {stays("closed\naccepted\n"), `
lesson.md:4: lab$ logs relay
    want  closed
    got   (not in the log of relay within 30s)`},
		"ended": {prints("ready\naccepted\nrefused", 0), `
lesson.md:4: lab$ logs relay
    want  closed
    got   (the log ended without it; what came instead:)
          refused`},
		"a long log": {stays("accepted\n" + strings.Repeat("x\n", 100)), `
lesson.md:4: lab$ logs relay
    want  closed
    got   (not in the log of relay within 30s; what came instead:)` + strings.Repeat("\n          x", seenLimit)},
		"no log": {func(context.Context, io.Writer) (int, error) { return 0, errors.New("no such container") }, `
lesson.md:2: lab$ logs relay: no such container`},
		"no line's end": {func(_ context.Context, out io.Writer) (int, error) {
			for {
				if _, err := io.WriteString(out, strings.Repeat("x", 1000)); err != nil {
					return 0, err
				}
			}
		}, `
lesson.md:2: lab$ logs relay: printed more than 1048576 bytes`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stage := newStage()
				stage.logs["relay"] = c.log
				_, err := Play(t.Context(), console(t, "lab$ logs relay\naccepted\nclosed"), stage, Options{})
				require.EqualError(t, err, c.want[1:])
			})
		})
	}
}

func TestLogsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		stage := newStage()
		stage.logs["relay"] = stays("ready\n")
		go func() {
			synctest.Wait()
			cancel()
		}()
		_, err := Play(ctx, console(t, "lab$ logs relay\naccepted"), stage, Options{})
		require.EqualError(t, err, "lesson.md:2: lab$ logs relay: context canceled")
	})
}
