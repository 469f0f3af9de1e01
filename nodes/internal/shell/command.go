package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"mvdan.cc/sh/moreinterp/coreutils"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// Name is the name of the command that Command returns.
const Name = "sh"

// Limits of the process, beside those of time and output.
const (
	fileLimit = 64 << 20 // of each file that a command writes, in bytes
	fdLimit   = 64       // of open files
)

// Command returns the command that interprets one command line, as sh -c does. A
// program that calls Run must have it.
func Command() *cobra.Command {
	var line string
	var seconds uint64
	cmd := &cobra.Command{
		Use:    Name + " -c COMMAND",
		Short:  "Interpret one command line with built-in commands only",
		Hidden: true,
		Args:   cobra.NoArgs,
	}
	cmd.Flags().StringVarP(&line, "command", "c", "", "the command line")
	cmd.Flags().Uint64Var(&seconds, "seconds", 0, "limit of processor time in seconds, and other limits of the process (0: none)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if seconds > 0 {
			if err := confine(seconds); err != nil {
				return err
			}
		}
		os.Exit(interpret(cmd.Context(), line, os.Stdout, os.Stderr))
		return nil
	}
	return cmd
}

// confine limits what this process may take.
func confine(seconds uint64) error {
	// A write beyond the limit is then an error of that write.
	signal.Ignore(syscall.SIGXFSZ)
	for _, l := range []struct {
		name     string
		resource int
		value    uint64
	}{
		{"RLIMIT_CPU", unix.RLIMIT_CPU, seconds},
		{"RLIMIT_DATA", unix.RLIMIT_DATA, memoryLimit},
		{"RLIMIT_FSIZE", unix.RLIMIT_FSIZE, fileLimit},
		{"RLIMIT_NOFILE", unix.RLIMIT_NOFILE, fdLimit},
		{"RLIMIT_CORE", unix.RLIMIT_CORE, 0},
	} {
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: l.value, Max: l.value}); err != nil {
			return fmt.Errorf("setrlimit %s: %w", l.name, err)
		}
	}
	return nil
}

// interpret runs a command line and returns its exit status.
func interpret(ctx context.Context, line string, stdout, stderr io.Writer) int {
	program, err := syntax.NewParser().Parse(strings.NewReader(line), "")
	if err != nil {
		fmt.Fprintf(stderr, "sh: %v\n", err)
		return 2
	}
	runner, err := interp.New(
		interp.StdIO(nil, stdout, stderr),
		interp.Env(expand.ListEnviron(commandEnv...)),
		interp.ExecHandlers(windows, builtins, coreutils.ExecHandler, nothingElse),
	)
	if err != nil {
		fmt.Fprintf(stderr, "sh: %v\n", err)
		return 1
	}
	err = runner.Run(ctx, program)
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(stderr, "sh: %v\n", err)
	return 1
}

// Incomplete reports whether more may come that belongs to line: a loop without
// its end, for example.
func Incomplete(line []byte) bool {
	_, err := syntax.NewParser().Parse(strings.NewReader(string(line)), "")
	return syntax.IsIncomplete(err)
}

// nothingElse is the end of the search for a command: no program is started.
func nothingElse(interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		hc := interp.HandlerCtx(ctx)
		fmt.Fprintf(hc.Stderr, "sh: %s: command not found (commands shows those there are)\n", args[0])
		return interp.ExitStatus(127)
	}
}
