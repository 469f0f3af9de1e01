package scenarios

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// logs plays lab$ logs: it follows the node's log until the expected lines
// have come.
func (p *player) logs(ctx context.Context, s Step) error {
	node := s.Argv[1]
	limited, cancel := p.limit(ctx, p.options.LogsLimit)
	defer cancel(nil)
	f := &follower{skip: p.logged[node], screen: p.screen, found: func() { cancel(errFound) }}
	for _, l := range s.Want {
		if !l.any() && l.Text != "" {
			f.want = append(f.want, l)
		}
	}
	begin := time.Now()
	err := p.stage.Logs(limited, node, f)
	f.end()
	p.screen.endLine()
	switch cause := context.Cause(limited); {
	case f.complete():
		p.logged[node] = f.last
		p.record(s, f.matched.String(), 0, time.Since(begin))
		return nil
	case cause == nil && err == nil:
		return p.notLogged(s, f, "the log ended without it")
	case cause != nil && errors.Is(cause, context.DeadlineExceeded) && ctx.Err() == nil:
		return p.notLogged(s, f, fmt.Sprintf("not in the log of %s within %v", node, p.options.LogsLimit))
	}
	return p.failed(limited, s, err, "")
}

// errFound is the cause of the end of a log that need not be followed longer.
var errFound = errors.New("all lines found")

func (p *player) notLogged(s Step, f *follower, why string) error {
	if len(f.since) > 0 {
		why += "; what came instead:"
	}
	want := f.want[0]
	return &Mismatch{File: p.lesson.File, Line: want.Number, Command: s.Text, Want: want.Text, Missing: why, Seen: f.since}
}

// follower is written a log, and looks in it for lines that must come in
// their order, with any other lines between them.
type follower struct {
	want   []Line // those still to come
	skip   int    // how many lines at the log's beginning to pass over
	screen *screen
	found  func() // called when all have come

	seen    int          // lines read so far
	last    int          // of these, up to the last one found
	since   []string     // the last of the lines after it
	matched bytes.Buffer // the lines found
	rest    []byte       // the beginning of a line
}

// Write implements io.Writer.
func (f *follower) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if len(f.rest)+len(line) > maxOutput {
			return 0, errTooMuch
		}
		f.rest = append(f.rest, line...)
		if bytes.HasSuffix(line, []byte("\n")) {
			f.end()
		}
	}
	return len(p), nil
}

// end takes the line that is begun as a whole one.
func (f *follower) end() {
	if len(f.rest) > 0 && !f.complete() {
		f.line(trimEnd(string(bytes.TrimSuffix(f.rest, []byte("\n")))))
	}
	f.rest = f.rest[:0]
}

func (f *follower) line(text string) {
	f.seen++
	if f.seen <= f.skip {
		return
	}
	if !matchLine(f.want[0].Text, text) {
		f.since = append(f.since, text)
		f.since = f.since[max(0, len(f.since)-seenLimit):]
		return
	}
	if len(f.since) > 0 {
		f.screen.line(ellipsis)
	}
	f.screen.line(text)
	fmt.Fprintln(&f.matched, text)
	f.want, f.since, f.last = f.want[1:], nil, f.seen
	if f.complete() {
		f.found()
	}
}

func (f *follower) complete() bool { return len(f.want) == 0 }
