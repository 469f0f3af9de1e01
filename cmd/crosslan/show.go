package main

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/lab"
	"github.com/crosslan/crosslan/scenarios"
)

func newShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show NAME",
		Short:             "Show a scenario's networks, nodes and addresses",
		Long:              "Show a scenario's networks, nodes and addresses. NAME is a scenario or a path to any Compose file.",
		Example:           "  crosslan show relay\n  crosslan show ./my/compose.yml",
		Args:              exactly(1, "one scenario or Compose file"),
		ValidArgsFunction: completeScenario,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := scenarios.Open(cmd.Context(), args[0], scenarios.English)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), describe(s.Topology))
		}
		w := cmd.OutOrStdout()
		if s.Question != "" {
			fmt.Fprintf(w, "%s: %s\n\n", s.Name, s.Question)
		}
		fmt.Fprintln(w, s.Topology.Draw())
		t := newTable(w, "NODE", "RUNS")
		for _, n := range s.Topology.Nodes {
			t.row(n.Name, runs(n))
		}
		return t.Flush()
	}
	return cmd
}

// runs says what a node runs: its command, or the image's own.
func runs(n lab.NodeSpec) string {
	if len(n.Command) == 0 {
		return "image " + n.Image
	}
	return strings.Join(n.Command, " ")
}

type shownTopology struct {
	Name     string         `json:"name"`
	File     string         `json:"file"`
	Networks []shownNetwork `json:"networks"`
	Nodes    []shownNode    `json:"nodes"`
}

type shownNetwork struct {
	Name    string         `json:"name"`
	Subnets []netip.Prefix `json:"subnets"`
	Routers []netip.Addr   `json:"routers,omitempty"`
}

type shownNode struct {
	Name      string                  `json:"name"`
	Image     string                  `json:"image"`
	Command   []string                `json:"command,omitempty"`
	Addresses map[string][]netip.Addr `json:"addresses"` // by network
}

func describe(t *lab.Topology) shownTopology {
	s := shownTopology{Name: t.Name, File: t.File}
	for _, n := range t.Networks {
		s.Networks = append(s.Networks, shownNetwork{n.Name, n.Subnets, n.Routers})
	}
	for _, n := range t.Nodes {
		node := shownNode{n.Name, n.Image, n.Command, map[string][]netip.Addr{}}
		for _, a := range n.Attachments {
			node.Addresses[a.Network] = a.Addrs
		}
		s.Nodes = append(s.Nodes, node)
	}
	return s
}
