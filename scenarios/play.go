package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Play plays the lesson on the stage and shows it as it goes. It checks the
// lesson first, and stops at the first command that does not go as the lesson
// says, with a [Mismatch]. When it returns, no command that it started in the
// background runs any more.
func Play(ctx context.Context, l *Lesson, stage Stage, o Options) (Result, error) {
	if err := l.Check(stage.Nodes()); err != nil {
		return Result{}, err
	}
	o = o.withDefaults()
	p := &player{lesson: l, stage: stage, options: o, logged: map[string]int{},
		screen: &screen{w: o.Out, color: o.Color}}
	if o.Prose {
		p.screen.indent = codeIndent
	}
	err := p.play(ctx)
	p.stopAll()
	return p.result, err
}

// player is a lesson being played.
type player struct {
	lesson     *Lesson
	stage      Stage
	options    Options
	screen     *screen
	background []*background  // those not compared yet, in the order of their start
	logged     map[string]int // by node: the lines of its log that the lesson has read
	result     Result
}

func (p *player) play(ctx context.Context) error {
	for _, part := range p.lesson.Parts {
		if err := p.part(ctx, part); err != nil {
			return err
		}
	}
	return p.finish(ctx)
}

func (p *player) part(ctx context.Context, part Part) error {
	if part.Kind != Console {
		if p.options.Prose {
			p.screen.text(p.lesson.set(part, p.options.Width, p.options.Color))
		}
		return p.shown()
	}
	for _, s := range part.Steps {
		if p.options.Before != nil {
			if err := p.options.Before(ctx, s); err != nil {
				return err
			}
		}
		p.screen.command(s)
		if err := p.step(ctx, s); err != nil {
			return err
		}
		if err := p.shown(); err != nil {
			return err
		}
	}
	return nil
}

// shown returns the error of showing the lesson.
func (p *player) shown() error {
	if p.screen.err != nil {
		return fmt.Errorf("show the lesson: %w", p.screen.err)
	}
	return nil
}

func (p *player) step(ctx context.Context, s Step) error {
	switch {
	case s.Kind == Foreground:
		return p.run(ctx, s)
	case s.Kind == Background:
		return p.start(ctx, s)
	case s.Argv[0] == "wait":
		return p.wait(ctx, s.Argv[1])
	case s.Argv[0] == "logs":
		return p.logs(ctx, s)
	}
	return p.act(ctx, s)
}

// run plays a command that ends before the lesson goes on.
func (p *player) run(ctx context.Context, s Step) error {
	limited, cancel := p.limit(ctx, p.options.StepLimit)
	defer cancel(nil)
	out := newCapture(p.screen, cancel)
	begin := time.Now()
	exit, err := p.stage.Exec(limited, s.Node, s.Argv, out)
	if err != nil {
		return p.failed(limited, s, err, "start what is to stay with "+s.Node+"&")
	}
	return p.ended(s, out.String(), exit, time.Since(begin))
}

// act plays a verb that the lab carries out.
func (p *player) act(ctx context.Context, s Step) error {
	limited, cancel := p.limit(ctx, p.options.StepLimit)
	defer cancel(nil)
	begin := time.Now()
	if err := p.stage.Do(limited, s.Argv[0], s.Argv[1:]); err != nil {
		return p.failed(limited, s, err, "see crosslan logs "+s.Argv[1])
	}
	p.record(s, "", 0, time.Since(begin))
	return nil
}

// ended shows how a command ended and compares it with the lesson.
func (p *player) ended(s Step, out string, exit int, took time.Duration) error {
	p.screen.endLine()
	if exit != 0 {
		p.screen.line(exitText(exit))
	}
	p.record(s, out, exit, took)
	return compare(p.lesson.File, s, out, exit)
}

func (p *player) record(s Step, out string, exit int, took time.Duration) {
	p.result.Steps = append(p.result.Steps, Played{Line: s.Line, Command: s.Text, Output: out, Exit: exit, Took: took})
}

// A limitError is the cause of a context that its time limit ended.
type limitError struct{ limit time.Duration }

func (e *limitError) Error() string { return fmt.Sprintf("not finished after %v", e.limit) }

// Is makes a limitError what the standard library calls it.
func (e *limitError) Is(target error) bool { return target == context.DeadlineExceeded }

// limit is ctx with a time limit that says itself what it is, and with a
// cancel function that takes another cause.
func (p *player) limit(ctx context.Context, limit time.Duration) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(&limitError{limit}) })
	return ctx, func(cause error) {
		timer.Stop()
		cancel(cause)
	}
}

// failed says why a step came to no end: the cause that ended its context, if
// one did, or else the stage's error. advice is what to do about a time limit.
func (p *player) failed(ctx context.Context, s Step, err error, advice string) error {
	p.screen.endLine()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if _, ok := errors.AsType[*limitError](err); ok {
		return fmt.Errorf("%s:%d: %s: %w; %s", p.lesson.File, s.Line, s.Text, err, advice)
	}
	return fmt.Errorf("%s:%d: %s: %w", p.lesson.File, s.Line, s.Text, err)
}
