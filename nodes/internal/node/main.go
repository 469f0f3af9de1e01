package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// grace is how long a program may take to end after a signal. The contract of
// the image is one second.
const grace = 900 * time.Millisecond

// Main runs cmd as this process's program and exits with its status. SIGTERM and
// SIGINT cancel the command's context; a program that has not ended soon after
// is ended, so that stopping a lab never waits for the engine's SIGKILL.
func Main(cmd *cobra.Command) {
	// Otherwise the next event after the reader of standard output is gone would
	// end the program, with all its connections.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	status := make(chan int, 1)
	go func() { status <- Run(ctx, cmd, os.Args[1:], os.Stdout, os.Stderr) }()
	select {
	case s := <-status:
		os.Exit(s)
	case <-ctx.Done():
	}
	select {
	case s := <-status:
		os.Exit(s)
	case <-time.After(grace):
		fmt.Fprintf(os.Stderr, "%s: had not stopped %v after the signal\n", cmd.Name(), grace)
		os.Exit(1)
	}
}

// Run runs cmd with args and returns the exit status: 0, 1 for an error, or 2 for
// an error in how it was called. Events go to stdout, the error to stderr as one
// line that begins with the program's name. The command's context carries the
// Events; their form is the flag --log, which Run adds.
func Run(ctx context.Context, cmd *cobra.Command, args []string, stdout, stderr io.Writer) int {
	events := NewEvents(stdout, Text)
	cmd.PersistentFlags().Var(&events.format, "log", "form of the events")
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.CompletionOptions.DisableDefaultCmd = true
	nameCommands(cmd)
	started := watch(cmd)

	called, err := cmd.ExecuteContextC(With(ctx, events))
	if err == nil {
		return 0
	}
	if !started() {
		err = usageError{err}
	}
	return report(stderr, called, err)
}

// report prints err for a program's user and returns the exit status.
func report(stderr io.Writer, called *cobra.Command, err error) int {
	program := called.Root().Name()
	if isUsage(err) {
		fmt.Fprintf(stderr, "%s: %s (see: %s --help)\n", program, oneLine(err), called.CommandPath())
		return 2
	}
	fmt.Fprintf(stderr, "%s: %s\n", program, oneLine(err))
	return 1
}
