package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/lab"
	"github.com/crosslan/crosslan/scenarios"
)

func newUp() *cobra.Command {
	return &cobra.Command{
		Use:               "up NAME",
		Short:             "Bring a scenario up and keep it running",
		Long:              "Bring a scenario up and keep it running until crosslan down. NAME is a scenario or a path to any Compose file.",
		Example:           "  crosslan up relay\n  crosslan exec host-a -- client echo 198.18.4.10:50007 hello\n  crosslan down relay",
		Args:              exactly(1, "one scenario or Compose file"),
		ValidArgsFunction: completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := scenarios.Open(cmd.Context(), args[0], scenarios.English)
			if err != nil {
				return err
			}
			if _, err := lab.Start(cmd.Context(), s.Topology, lab.Keep(), progress(cmd)); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is up\n\n%s\ntry: crosslan exec NODE -- ARGV, crosslan logs, crosslan down %s\n", s.Topology.Name, s.Topology.Draw(), args[0])
			return nil
		},
	}
}
