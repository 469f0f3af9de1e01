package main

import (
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/crosslan/crosslan/lab"
)

func newExec() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "exec NODE -- ARGV...",
		Short: "Run a program in a node of a lab that is up",
		Long: `Run a program in a node of a lab that is up, without a shell, and end with its
status. On a terminal the program gets one.`,
		Example: "  crosslan exec host-a -- client echo 198.18.4.10:50007 hello\n  crosslan exec host-a -- client echo 198.18.4.10:50007   # interactive",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return exactly(2, "a node and a program")(cmd, nil)
			}
			return nil
		},
	}
	name := labFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := attach(cmd.Context(), *name)
		if err != nil {
			return err
		}
		streams := lab.Streams{Stdin: cmd.InOrStdin(), Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr()}
		if restore := raw(&streams); restore != nil {
			defer restore()
		}
		code, err := l.Node(args[0]).Stream(cmd.Context(), streams, args[1:]...)
		if err != nil {
			return err
		}
		if code != 0 {
			return statusError(code)
		}
		return nil
	}
	return cmd
}

// raw gives the program this program's terminal, if it has one, and returns
// what puts the terminal back.
func raw(s *lab.Streams) (restore func()) {
	in, ok := s.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	if _, ok := terminal(s.Stdout); !ok {
		return nil
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil
	}
	s.TTY = true
	if columns, rows, err := term.GetSize(int(in.Fd())); err == nil {
		size := make(chan lab.Size, 1)
		size <- lab.Size{Rows: uint(rows), Columns: uint(columns)}
		s.Resize = size
	}
	return func() { term.Restore(int(in.Fd()), state) }
}
