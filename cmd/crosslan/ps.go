package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/lab"
)

func newPs() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List the nodes of all labs that are up",
		Args:  exactly(0, "no arguments"),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		nodes, err := lab.Running(cmd.Context())
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), nodes)
		}
		t := newTable(cmd.OutOrStdout(), "LAB", "NODE", "STATUS", "ADDRESSES")
		for _, n := range nodes {
			t.row(n.Lab, n.Node, n.Status, strings.Join(n.Addresses, " "))
		}
		return t.Flush()
	}
	return cmd
}
