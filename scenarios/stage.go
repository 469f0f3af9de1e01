package scenarios

import (
	"context"
	"io"
)

// Stage is what a lesson is played on: a running lab.
//
// Each method returns soon after ctx ends, and writes nothing to out once it
// has returned. A method writes to out from one goroutine at a time; Exec may
// be called for several commands at once.
type Stage interface {
	// Exec runs argv in the node, writes what it prints to out, and returns its
	// exit status. Standard error comes after standard output, at the end: the two
	// have no common order on their way from a container, and the error of our
	// programs is the last thing they print. The error says why the command could
	// not be run to its end; a status other than 0 is no error.
	Exec(ctx context.Context, node string, argv []string, out io.Writer) (exitCode int, err error)

	// Logs writes the node's log from its beginning and follows it until ctx
	// ends. A Stage may return earlier, when the log cannot grow any more.
	Logs(ctx context.Context, node string, out io.Writer) error

	// Do acts on the lab itself, with one of the verbs listed in the package
	// comment, except wait and logs, which are the player's own.
	Do(ctx context.Context, verb string, args []string) error

	// Nodes names the lab's nodes.
	Nodes() []string
}
