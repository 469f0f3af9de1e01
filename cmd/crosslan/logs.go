package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/lab"
)

func newLogs() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "logs [NODE]",
		Short:   "Print what the nodes of a lab that is up have printed",
		Example: "  crosslan logs host-b\n  crosslan logs --follow",
	}
	name := labFlag(cmd)
	follow := cmd.Flags().BoolP("follow", "f", false, "go on until interrupted")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return exactly(1, "at most one node")(cmd, args)
		}
		l, err := attach(cmd.Context(), *name)
		if err != nil {
			return err
		}
		if len(args) == 1 {
			return l.Node(args[0]).Logs(cmd.Context(), cmd.OutOrStdout(), *follow)
		}
		return allLogs(cmd.Context(), l, cmd.OutOrStdout(), *follow)
	}
	return cmd
}

// allLogs prints every node's log, each line after its node's name; without
// follow, one node after the other.
func allLogs(ctx context.Context, l *lab.Lab, w io.Writer, follow bool) error {
	names := l.Topology().NodeNames()
	width := 0
	for _, name := range names {
		width = max(width, len(name))
	}
	var lock sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	if !follow {
		group.SetLimit(1)
	}
	for _, name := range names {
		group.Go(func() error {
			r, pipe := io.Pipe()
			var copying errgroup.Group
			copying.Go(func() error {
				err := l.Node(name).Logs(ctx, pipe, follow)
				pipe.CloseWithError(err)
				return err
			})
			for lines := bufio.NewScanner(r); lines.Scan(); {
				lock.Lock()
				fmt.Fprintf(w, "%-*s | %s\n", width, name, lines.Text())
				lock.Unlock()
			}
			r.Close()
			return copying.Wait()
		})
	}
	return group.Wait()
}
