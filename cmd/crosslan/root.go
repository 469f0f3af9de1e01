package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Exit statuses. A program that ran in a node passes its own on (exec).
const (
	statusFailed = 1 // something did not go as it should
	statusUsage  = 2 // the command line is wrong
)

// A statusError ends the program with a status of its own, saying nothing more.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// A usageError is a command line that cannot be carried out.
type usageError struct{ error }

// execute runs one command line and returns the exit status.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var status statusError
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "crosslan: %v\n", err)
		return statusUsage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "crosslan: interrupted; nothing is left running")
		return statusFailed
	}
	fmt.Fprintf(stderr, "crosslan: %v\n", err)
	return statusFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "crosslan",
		Short: "How sockets in different LANs reach each other, or why they do not",
		Long: `crosslan runs small networks on this machine: hosts in different LANs, the
routers, NATs and relays between them, each in a container of its own. A scenario
is such a network with a lesson, and the lesson's commands are run for you.`,
		Example: `  crosslan run            # the first lesson: two LANs and a relay
  crosslan list           # every scenario and the question it answers
  crosslan show isolated  # its networks, nodes and addresses
  crosslan up routed && crosslan exec host-a -- client echo 10.3.2.10:50007 hi`,
		SilenceUsage:  true,
		SilenceErrors: true,
		// Cobra would take "crosslan rnu" for a call of the root itself.
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("no command %q (crosslan --help shows them all)", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (%s --help shows its flags)", err, cmd.CommandPath())}
	})
	root.AddCommand(newList(), newShow(), newRun(), newUp(), newDown(), newPs(), newExec(), newLogs(), newNAT(), newMatrix(), newDoctor())
	return root
}

// exactly wants n arguments, named in words for the error.
func exactly(n int, words string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return usageError{fmt.Errorf("%s wants %s: %s", cmd.CommandPath(), words, cmd.UseLine())}
	}
}

// terminal reports whether w is one, and how wide it is in characters.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, false
	}
	return width, true
}

// colored reports whether w may be written to in colour (https://no-color.org).
func colored(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
