package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"mvdan.cc/sh/v3/interp"
)

// call is one call of a built-in command.
type call struct {
	interp.HandlerContext
	ctx  context.Context
	args []string // without the command's name
}

// builtin is a command that neither the interpreter nor coreutils has.
type builtin func(c *call) error

// table is every command of this package by its name.
func table() map[string]builtin {
	return map[string]builtin{
		"commands": commands,
		"date":     date,
		"env":      env,
		"grep":     grep,
		"head":     head,
		"hostname": hostname,
		"id":       id,
		"ip":       ip,
		"ps":       ps,
		"seq":      seq,
		"sleep":    sleep,
		"tail":     tail,
		"uname":    uname,
		"wc":       wc,
		"whoami":   whoami,
		"yes":      yes,
	}
}

// builtins is the middleware that finds them. A command that fails says why on its
// standard error.
func builtins(next interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	all := table()
	return func(ctx context.Context, args []string) error {
		run, found := all[args[0]]
		if !found {
			return next(ctx, args)
		}
		c := &call{HandlerContext: interp.HandlerCtx(ctx), ctx: ctx, args: args[1:]}
		err := run(c)
		var status interp.ExitStatus
		switch {
		case err == nil, errors.As(err, &status):
			return err
		case errors.Is(err, syscall.EPIPE): // what follows in the pipe wants no more
			return statusPipe
		}
		fmt.Fprintf(c.Stderr, "%s: %v\n", args[0], err)
		return interp.ExitStatus(1)
	}
}

// statusPipe is how a shell tells that SIGPIPE ended a command.
const statusPipe = 128 + interp.ExitStatus(syscall.SIGPIPE)

// windows is what the tutorials' readers type on Windows, and what they mean.
func windows(next interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		switch args[0] {
		case "dir":
			args = append([]string{"ls", "-l"}, args[1:]...)
		case "ipconfig":
			args = []string{"ip", "addr"}
		case "tasklist":
			args = []string{"ps"}
		}
		return next(ctx, args)
	}
}

// noArgs is the error of a call with arguments to a command that has none.
func (c *call) noArgs() error {
	if len(c.args) > 0 {
		return fmt.Errorf("%s: no arguments expected", c.args[0])
	}
	return nil
}

// println prints a line on the command's standard output.
func (c *call) println(a ...any) error {
	_, err := fmt.Fprintln(c.Stdout, a...)
	return err
}

// stdin is the command's standard input, empty if it has none.
func (c *call) stdin() io.Reader {
	if c.Stdin == nil {
		return eof{}
	}
	return c.Stdin
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
