package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/lab"
	"github.com/crosslan/crosslan/scenarios"
)

func newDown() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "down [NAME|--all]",
		Short:             "Take a scenario down that crosslan up keeps running",
		Example:           "  crosslan down relay\n  crosslan down --all",
		ValidArgsFunction: completeScenario,
	}
	all := cmd.Flags().Bool("all", false, "every lab that no living process runs")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *all == (len(args) > 0) || len(args) > 1 {
			return usageError{errors.New("down wants one scenario or Compose file, or --all")}
		}
		names, err := toTakeDown(cmd, args)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := lab.Remove(cmd.Context(), name); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is down\n", name)
		}
		return nil
	}
	return cmd
}

func toTakeDown(cmd *cobra.Command, args []string) ([]string, error) {
	if len(args) == 0 {
		return lab.Idle(cmd.Context())
	}
	s, err := scenarios.Open(cmd.Context(), args[0], scenarios.English)
	if err != nil {
		return nil, err
	}
	return []string{s.Topology.Name}, nil
}
