package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// background is a command that runs beside the lesson.
type background struct {
	step  Step
	out   *capture
	begin time.Time
	stop  context.CancelCauseFunc
	shown int // bytes of its output on the screen

	done chan struct{} // closed when the command has ended and the fields below are set
	ctx  context.Context
	exit int
	err  error
	took time.Duration
}

// errStopped is the cause of the end of a command that the player stopped.
var errStopped = errors.New("stopped at the lesson's end")

// start plays NODE&: it starts the command and, if the lesson expects a line
// that says so, waits until it is ready.
func (p *player) start(ctx context.Context, s Step) error {
	b := &background{step: s, begin: time.Now(), done: make(chan struct{})}
	b.ctx, b.stop = context.WithCancelCause(ctx)
	b.out = newCapture(nil, b.stop)
	p.background = append(p.background, b)
	go func() {
		defer close(b.done)
		b.exit, b.err = p.stage.Exec(b.ctx, s.Node, s.Argv, b.out)
		b.took = time.Since(b.begin)
	}()
	ready := slices.IndexFunc(s.Want, func(l Line) bool { return firstWord(l.Text) == "ready" })
	if ready < 0 {
		return nil
	}
	head := s.Want[:ready+1]
	settled, err := p.await(ctx, b, func(got []string) bool {
		o := match(head, got)
		return o.begun() || o.hopeless()
	})
	switch {
	case err != nil:
		return err
	case !settled:
		return p.close(b)
	}
	// What the command has printed since cannot unsettle it.
	out := b.out.String()
	got := endedLines(out)
	o := match(head, got)
	if o.begun() {
		p.show(b, firstLines(out, o.got))
		return nil
	}
	p.show(b, out)
	return p.wrong(b, o, got)
}

// wait plays lab$ wait: the node's commands in the background must end.
func (p *player) wait(ctx context.Context, node string) error {
	for _, b := range slices.Clone(p.background) {
		if b.step.Node != node {
			continue
		}
		if _, err := p.await(ctx, b, func([]string) bool { return false }); err != nil {
			return err
		}
		if err := p.close(b); err != nil {
			return err
		}
	}
	return nil
}

// finish compares what still runs at the lesson's end, and stops it.
func (p *player) finish(ctx context.Context) error {
	for _, b := range slices.Clone(p.background) {
		settled, err := p.await(ctx, b, func(got []string) bool {
			o := match(b.step.Want, got)
			return b.step.Exit == 0 && o.begun() || o.hopeless()
		})
		if err != nil {
			return err
		}
		if !settled {
			err = p.close(b)
		} else {
			err = p.cut(b)
		}
		if err != nil {
			return err
		}
	}
	return p.shown()
}

// await waits until the command has ended, or until enough, asked about the
// lines that it has printed so far, says that these settle it.
func (p *player) await(ctx context.Context, b *background, enough func([]string) bool) (settled bool, err error) {
	limited, cancel := p.limit(ctx, p.options.StepLimit)
	defer cancel(nil)
	for {
		select {
		case <-b.done:
			return false, nil
		default:
		}
		if enough(endedLines(b.out.String())) {
			return true, nil
		}
		select {
		case <-b.done:
		case <-b.out.grew:
		case <-limited.Done():
			return false, p.unsettled(limited, b)
		}
	}
}

// unsettled says for what a command in the background was waited in vain.
func (p *player) unsettled(ctx context.Context, b *background) error {
	p.reveal(b, b.out.String())
	cause, limited := errors.AsType[*limitError](context.Cause(ctx))
	got := outputLines(b.out.String())
	if o := match(b.step.Want, got); limited && !o.begun() {
		m := p.wrong(b, o, got)
		if m.Missing != "" {
			m.Missing += fmt.Sprintf(" within %v", cause.limit)
		}
		return m
	}
	return p.failed(ctx, b.step, nil, "wait for no program that is to stay: the lesson's end stops it")
}

// close compares a command that has ended by itself.
func (p *player) close(b *background) error {
	defer b.stop(nil)
	p.forget(b)
	out := b.out.String()
	p.reveal(b, out)
	if b.err != nil {
		return p.failed(b.ctx, b.step, b.err, "")
	}
	return p.ended(b.step, out, b.exit, b.took)
}

// cut stops a command whose output is settled, and compares how that begins.
func (p *player) cut(b *background) error {
	out := b.out.String()
	p.forget(b)
	b.stop(errStopped)
	<-b.done
	p.reveal(b, out)
	p.record(b.step, out, -1, b.took)
	got := endedLines(out)
	if o := match(b.step.Want, got); !o.begun() {
		return p.wrong(b, o, got)
	}
	return nil
}

// wrong is the error of a command whose lines do not hold.
func (p *player) wrong(b *background, o outcome, got []string) *Mismatch {
	m := &Mismatch{File: p.lesson.File, Command: b.step.Text}
	m.point(b.step, o, got)
	return m
}

// show brings the screen up to that beginning of the command's output.
func (p *player) show(b *background, out string) {
	if len(out) > b.shown {
		// The screen keeps its errors for player.shown.
		_, _ = p.screen.Write([]byte(out[b.shown:]))
		b.shown = len(out)
	}
	p.screen.endLine()
}

// reveal is show after other commands: it says again whose output it is.
func (p *player) reveal(b *background, out string) {
	if strings.TrimSpace(out[min(b.shown, len(out)):]) == "" {
		return
	}
	p.screen.command(b.step)
	if b.shown > 0 {
		p.screen.line(ellipsis)
	}
	p.show(b, out)
}

func (p *player) forget(b *background) {
	p.background = slices.DeleteFunc(p.background, func(x *background) bool { return x == b })
}

// stopAll stops the commands in the background and waits for them.
func (p *player) stopAll() {
	for _, b := range p.background {
		b.stop(errStopped)
	}
	for _, b := range p.background {
		<-b.done
	}
	p.background = nil
}

// firstLines is the text up to the end of its n-th line.
func firstLines(text string, n int) string {
	end := 0
	for ; n > 0; n-- {
		i := strings.IndexByte(text[end:], '\n')
		if i < 0 {
			return text
		}
		end += i + 1
	}
	return text[:end]
}

func firstWord(line string) string {
	word, _, _ := strings.Cut(line, " ")
	return word
}
