package client

import (
	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

func idleCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "idle",
		Short: "Wait to be told by exec what to do",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			node.From(cmd.Context()).Ready("idle")
			<-cmd.Context().Done()
			return nil
		},
	}
}
