package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// story is a topic being told: it makes the calls of a script and prints a line
// for each.
//
// Its first error sticks: after a call that the script cannot go on without has
// failed, and after the end of the context, every other call does nothing. So a
// script makes its calls one after the other, and tell returns the error.
type story struct {
	topic  string
	events *node.Events
	lang   Lang
	limit  time.Duration // for a call that waits; see patient

	ctx  context.Context
	stop context.CancelCauseFunc
	open descriptors
	err  error

	timeouts map[int]time.Duration // Python's, by socket: see setTimeout

	said     bool // that it is ready
	inner    bool // the calls are parts of one of Python's
	tolerant bool // see try
	timing   bool // see timed
	waiting  bool // see patient
}

// script makes the calls of one side of a topic.
type script func(s *story, at []netip.AddrPort)

// tell makes the calls of a script. That the end of ctx finds it after it has said
// that it is ready is no error: it is how a server ends.
func (s *story) tell(ctx context.Context, run script, at []netip.AddrPort) error {
	s.ctx, s.stop = context.WithCancelCause(ctx)
	defer s.stop(nil)
	defer s.open.closeAll()
	done := make(chan struct{})
	var guard sync.WaitGroup
	guard.Go(func() { s.guard(done) })
	run(s, at)
	close(done)
	guard.Wait()
	if ctx.Err() != nil && s.said {
		return nil
	}
	return s.err
}

// breakOffEvery is how often waiting calls are ended once the story is over: a
// call may begin to wait just after the first time.
const breakOffEvery = 20 * time.Millisecond

// guard ends the calls that wait when the story's context ends.
func (s *story) guard(done <-chan struct{}) {
	select {
	case <-done:
		return
	case <-s.ctx.Done():
	}
	t := time.NewTicker(breakOffEvery)
	defer t.Stop()
	for {
		s.open.breakOff()
		select {
		case <-done:
			return
		case <-t.C:
		}
	}
}

// over reports whether the story has come to its end.
func (s *story) over() bool {
	if s.err == nil && s.ctx.Err() != nil {
		s.err = context.Cause(s.ctx)
	}
	return s.err != nil
}

// try lets the next call fail: what it returns is what the script shows.
func (s *story) try() *story {
	s.tolerant = true
	return s
}

// timed prints how long the next call took.
func (s *story) timed() *story {
	s.timing = true
	return s
}

// patient lets the next call wait without limit.
func (s *story) patient() *story {
	s.waiting = true
	return s
}

// say prints a line of explanation.
func (s *story) say(t text) {
	if !s.over() {
		s.print("say", "# "+t.in(s.lang), slog.String("text", t.in(s.lang)))
	}
}

// ready says that the other side can come to what the socket is bound to.
func (s *story) ready(fd int) {
	if s.over() {
		return
	}
	at := localAddr(fd)
	s.said = true
	s.events.Ready(fmt.Sprintf("api %s %v", s.topic, at), slog.String("topic", s.topic), slog.Any("listen", at))
}

// pause waits as a script that has something else to do.
func (s *story) pause(d time.Duration, why text) {
	if s.over() {
		return
	}
	s.say(why)
	select {
	case <-time.After(d):
	case <-s.ctx.Done():
		s.over()
	}
}

// until waits for a condition that has no call of its own to wait for it.
func (s *story) until(what string, holds func() (bool, error)) {
	deadline := time.Now().Add(s.limit)
	for !s.over() {
		ok, err := holds()
		switch {
		case err != nil:
			s.err = err
			return
		case ok:
			return
		case time.Now().After(deadline):
			s.err = s.limitError(what)
			return
		}
		select {
		case <-time.After(time.Millisecond):
		case <-s.ctx.Done():
		}
	}
}

func (s *story) limitError(what string) error {
	return fmt.Errorf("%s: not done after %s (--limit)", what, dial.Seconds(s.limit))
}

// print prints a line as it is; in JSON it is the event with attrs.
func (s *story) print(event, line string, attrs ...slog.Attr) {
	if s.events.Format() == node.JSON {
		s.events.Print(event, "", attrs...)
		return
	}
	s.events.Line(event, line)
}
