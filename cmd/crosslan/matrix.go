package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/lab"
	"github.com/crosslan/crosslan/matrix"
	"github.com/crosslan/crosslan/scenarios"
	"github.com/crosslan/crosslan/theory"
)

func newMatrix() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "Measure which of the 81 pairs of NAT kinds can talk directly",
		Long: `Punch holes between two hosts behind every pair of the nine kinds of NAT of
RFC 4787, in one lab whose routers change their kind while they run, and compare
each pair with theory: direct, or over a relay. The status is 0 only if theory
agrees in all 81.

RFC 4787 section 5 can be read in two ways: what a host has sent to may come in by
the mapping that was used (as in Linux), or by any mapping of that host's endpoint.
--permission has the routers, and the theory, follow the one or the other.`,
		Example: "  crosslan matrix\n  crosslan matrix --transport tcp\n  crosslan matrix --permission endpoint --json",
		Args:    exactly(0, "no arguments"),
	}
	transport := cmd.Flags().String("transport", string(matrix.UDP), "what to punch with: udp or tcp")
	permission := cmd.Flags().String("permission", theory.PermitByMapping.String(), "what a permission to come in belongs to: mapping or endpoint")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var o matrix.Options
		var err error
		if o.Transport, err = matrix.ParseTransport(*transport); err != nil {
			return usageError{fmt.Errorf("--transport: %w", err)}
		}
		if o.Permission, err = theory.ParsePermission(*permission); err != nil {
			return usageError{fmt.Errorf("--permission: %w", err)}
		}
		cells, err := measure(cmd, o)
		if err != nil {
			return fmt.Errorf("matrix: %w", err)
		}
		out := cmd.OutOrStdout()
		if *asJSON {
			err = printJSON(out, cells)
		} else {
			err = matrix.Print(out, cells, o, colored(out))
		}
		if err != nil {
			return err
		}
		if n := matrix.Disagreeing(cells); n > 0 {
			return fmt.Errorf("matrix: %d of %d pairs are not as theory expects", n, len(cells))
		}
		return nil
	}
	return cmd
}

// measure brings the lab up, measures every pair in it and takes it down.
func measure(cmd *cobra.Command, o matrix.Options) (cells []matrix.Cell, err error) {
	ctx := cmd.Context()
	s, err := scenarios.Open(ctx, o.Transport.Scenario(), scenarios.English)
	if err != nil {
		return nil, err
	}
	l, err := lab.Start(ctx, s.Topology, progress(cmd))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close(ctx)) }()
	var done func()
	o.Progress, done = pairProgress(cmd.ErrOrStderr())
	defer done()
	return matrix.Run(ctx, l, o)
}

// pairProgress returns what shows how many pairs are done: a bar on a terminal, a line
// for each row of the table elsewhere; and what takes the bar away.
func pairProgress(w io.Writer) (show func(done, total int), end func()) {
	if _, ok := terminal(w); !ok {
		return func(done, total int) {
			if done%9 == 0 {
				fmt.Fprintf(w, "crosslan: %d of %d pairs\n", done, total)
			}
		}, func() {}
	}
	bar := progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("pairs of NATs"),
		progressbar.OptionShowCount(),
		progressbar.OptionEnableColorCodes(colored(w)),
		progressbar.OptionClearOnFinish(),
	)
	// A bar that cannot be drawn is no reason to stop measuring.
	return func(done, total int) {
		bar.ChangeMax(total)
		_ = bar.Set(done)
	}, func() { _ = bar.Finish() }
}
