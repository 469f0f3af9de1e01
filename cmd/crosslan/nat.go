package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/lab"
)

// natInterval is how often a table on a terminal is drawn anew: lifetimes count
// seconds.
const natInterval = time.Second

func newNAT() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "nat NODE",
		Short: "Show a NAT's kind and its mapping table, live on a terminal",
		Long: `Show what a NAT does and which mappings it has, read from its kernel. On a
terminal the table is drawn anew every second until interrupted; elsewhere it is
printed once.`,
		Example: "  crosslan up masquerade && crosslan nat nat-a",
		Args:    exactly(1, "one node"),
	}
	name := labFlag(cmd)
	asJSON := jsonFlag(cmd)
	once := cmd.Flags().Bool("once", false, "print it once, on a terminal too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := attach(cmd.Context(), *name)
		if err != nil {
			return err
		}
		argv := []string{"router", "show", "nat"}
		if *asJSON {
			argv = append(argv, "--json")
		}
		show := func(w io.Writer) error { return showNAT(cmd.Context(), l.Node(args[0]), argv, w) }
		if _, live := terminal(cmd.OutOrStdout()); !live || *once || *asJSON {
			return show(cmd.OutOrStdout())
		}
		return redraw(cmd.Context(), cmd.OutOrStdout(), show)
	}
	return cmd
}

func showNAT(ctx context.Context, node *lab.Node, argv []string, w io.Writer) error {
	r, err := node.Exec(ctx, argv...)
	if err != nil {
		return err
	}
	if r.ExitCode != 0 {
		return fmt.Errorf("node %s: %s", node.Name(), strings.TrimSpace(r.Stderr))
	}
	_, err = io.WriteString(w, r.Stdout)
	return err
}

// redraw shows again and again on a cleared terminal until ctx ends, which is how
// a reader ends it.
func redraw(ctx context.Context, w io.Writer, show func(io.Writer) error) error {
	ticker := time.NewTicker(natInterval)
	defer ticker.Stop()
	for {
		var b bytes.Buffer
		b.WriteString("\x1b[H\x1b[2J") // to the corner, and clear (ECMA-48)
		if err := show(&b); err != nil {
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		}
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
