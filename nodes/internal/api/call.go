package api

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// call is a line of a story.
type call struct {
	name string
	args []string
	note text
	to   string // the address that it is for, which its error names
	ex   bool   // it returns the errno itself, as Python's connect_ex does
}

// newCall returns a call; its arguments are written as fmt writes them.
func newCall(name string, note text, args ...any) call {
	c := call{name: name, note: note}
	for _, a := range args {
		if o, ok := a.(option); ok {
			c.args = append(c.args, strings.Split(o.name, ", ")...)
			continue
		}
		c.args = append(c.args, fmt.Sprint(a))
	}
	return c
}

func (c call) String() string { return c.name + "(" + strings.Join(c.args, ", ") + ")" }

// make makes a call: do makes the system call and returns what the line shows as
// its result. The error is do's.
func (s *story) make(c call, do func() (string, error)) error {
	try, timing, waiting := s.tolerant, s.timing, s.waiting
	s.tolerant, s.timing, s.waiting = false, false, false
	if s.over() {
		return s.err
	}
	if !waiting {
		limit := time.AfterFunc(s.limit, func() { s.stop(s.limitError(c.String())) })
		defer limit.Stop()
	}
	begin := time.Now()
	result, err := do()
	took := time.Since(begin)
	if s.ctx.Err() != nil {
		// What the call returned is the story's own doing: see guard.
		s.over()
		return s.err
	}
	if !timing {
		took = 0
	}
	s.report(c, result, err, took)
	if err != nil && !try {
		s.err = errno.Wrap(c.name, err, c.to)
	}
	return err
}

// report prints a call and its result. A took of 0 is not printed.
func (s *story) report(c call, result string, err error, took time.Duration) {
	outcome := c.outcome(result, err)
	attrs := s.attrs(c, outcome, err)
	if took > 0 {
		outcome += fmt.Sprintf(" after %.2f s", took.Seconds())
		attrs = append(attrs, slog.Duration("took", took))
	}
	if no, ok := errors.AsType[unix.Errno](err); ok {
		outcome += mention(no)
	}
	s.print("call", s.line(c.String()+" = "+outcome, c.note), attrs...)
}

// attrs are what the event of a call says in JSON.
func (s *story) attrs(c call, outcome string, err error) []slog.Attr {
	attrs := []slog.Attr{slog.String("call", c.name), slog.Any("args", c.args), slog.String("result", outcome)}
	if note := c.note.in(s.lang); note != "" {
		attrs = append(attrs, slog.String("note", note))
	}
	no, ok := errors.AsType[unix.Errno](err)
	if !ok {
		return attrs
	}
	attrs = append(attrs, slog.Int("errno", int(no)), slog.String("name", errnoName(no)))
	if w, ok := winsocks[no]; ok {
		attrs = append(attrs, slog.Int("windows", w.number))
	}
	return attrs
}

// outcome is what stands behind the equals sign.
func (c call) outcome(result string, err error) string {
	no, isErrno := errors.AsType[unix.Errno](err)
	switch {
	case err == nil:
		return result
	case !isErrno:
		return err.Error()
	case c.ex:
		return fmt.Sprintf("%d %s", int(no), errnoName(no))
	}
	return fmt.Sprintf("-1, errno %d %s", int(no), errnoName(no))
}

// python prints a call that is Python's own, over the system calls that parts
// makes for it, which are indented, and what it returned or raised. An empty
// result is Python's None, and is left out.
func (s *story) python(c call, parts func() (string, error)) error {
	if s.over() {
		return s.err
	}
	json := s.events.Format() == node.JSON
	if !json {
		s.print("call", s.line(c.String(), c.note))
	}
	s.inner = true
	result, err := parts()
	s.inner = false
	if s.over() {
		return s.err
	}
	outcome := c.outcome(result, err)
	switch {
	case json && outcome == "":
		s.print("call", "", s.attrs(c, "None", nil)...)
	case outcome != "":
		line := "  = " + outcome
		if no, ok := errors.AsType[unix.Errno](err); ok {
			line += mention(no)
		}
		s.print("call", line, s.attrs(c, outcome, err)...)
	}
	return err
}

// noteColumn is where the notes begin.
const noteColumn = 50

// line sets a call and its note.
func (s *story) line(call string, note text) string {
	if s.inner {
		call = "  " + call
	}
	n := note.in(s.lang)
	if n == "" {
		return call
	}
	gap := max(2, noteColumn-utf8.RuneCountInString(call))
	return call + strings.Repeat(" ", gap) + n
}
