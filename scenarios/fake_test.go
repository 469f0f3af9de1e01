package scenarios

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// program is what a fake node's command does; its name is the command's first
// word.
type program func(ctx context.Context, out io.Writer) (exit int, err error)

// fakeStage is a Stage whose programs and logs are given.
type fakeStage struct {
	nodes    []string
	programs map[string]program
	logs     map[string]program
	refuses  map[string]error // by verb

	mu      sync.Mutex
	done    []string // what was asked of it, in order
	running int      // commands that have not returned
}

func newStage() *fakeStage {
	return &fakeStage{nodes: []string{"host-a", "host-b", "relay"}, programs: map[string]program{}, logs: map[string]program{},
		refuses: map[string]error{}}
}

func (f *fakeStage) Nodes() []string { return slices.Clone(f.nodes) }

func (f *fakeStage) Exec(ctx context.Context, node string, argv []string, out io.Writer) (int, error) {
	f.note(1, node+" "+strings.Join(argv, "|"))
	defer f.note(-1, "")
	p, ok := f.programs[argv[0]]
	if !ok {
		return 0, errors.New("no program " + argv[0])
	}
	return p(ctx, out)
}

func (f *fakeStage) Logs(ctx context.Context, node string, out io.Writer) error {
	f.note(1, "logs "+node)
	defer f.note(-1, "")
	_, err := f.logs[node](ctx, out)
	return err
}

func (f *fakeStage) Do(_ context.Context, verb string, args []string) error {
	f.note(0, "do "+verb+" "+strings.Join(args, "|"))
	return f.refuses[verb]
}

func (f *fakeStage) note(running int, what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running += running
	if what != "" {
		f.done = append(f.done, what)
	}
}

// prints is a program that prints the text and ends.
func prints(text string, exit int) program {
	return func(_ context.Context, out io.Writer) (int, error) {
		_, err := io.WriteString(out, text)
		return exit, err
	}
}

// stays is a program that prints the text and goes on until it is stopped.
func stays(text string) program {
	return func(ctx context.Context, out io.Writer) (int, error) {
		if _, err := io.WriteString(out, text); err != nil {
			return -1, err
		}
		<-ctx.Done()
		return -1, ctx.Err()
	}
}

// parse reads a lesson that is right.
func parse(t *testing.T, text string) *Lesson {
	t.Helper()
	l, err := Parse("lesson.md", []byte(text))
	require.NoError(t, err)
	return l
}

// console is a lesson of one console block, whose first line is line 2.
func console(t *testing.T, text string) *Lesson {
	t.Helper()
	return parse(t, "```console\n"+strings.Trim(text, "\n")+"\n```\n")
}
