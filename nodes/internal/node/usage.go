package node

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// usageError is an error in how a program was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Usagef returns an error in how the program was called: a command that returns
// it exits with 2, and its line ends by naming the help.
func Usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

func isUsage(err error) bool {
	var u usageError
	return errors.As(err, &u)
}

// nameCommands makes a program that needs the name of a command say so, where
// cobra would print its whole help and call it a success.
func nameCommands(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		nameCommands(sub)
	}
	if cmd.Runnable() || !cmd.HasSubCommands() {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return Usagef("%s: no such command; choose one of: %s", args[0], names(cmd))
		}
		return Usagef("which command? Choose one of: %s", names(cmd))
	}
	cmd.Args = cobra.ArbitraryArgs
}

func names(cmd *cobra.Command) string {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			names = append(names, sub.Name())
		}
	}
	return strings.Join(names, ", ")
}

// watch reports whether any command of cmd's tree was started: an error from
// before that is cobra's, about flags or arguments.
func watch(cmd *cobra.Command) func() bool {
	started := false
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			visit(sub)
		}
		if run := c.RunE; run != nil {
			c.RunE = func(cmd *cobra.Command, args []string) error {
				started = true
				return run(cmd, args)
			}
		}
	}
	visit(cmd)
	return func() bool { return started }
}

// oneLine joins the lines of an error, such as those of errors.Join.
func oneLine(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return Printable(strings.Join(lines, "; "))
}
