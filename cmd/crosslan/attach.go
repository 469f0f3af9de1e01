package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/lab"
	"github.com/crosslan/crosslan/scenarios"
)

// labFlag adds --lab to cmd: which lab, if several are up.
func labFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("lab", "", "which lab, if several are up (crosslan ps lists them)")
}

// attach returns the lab that is up; name chooses among several, as crosslan ps
// writes it or by its scenario.
func attach(ctx context.Context, name string) (*lab.Lab, error) {
	nodes, err := lab.Running(ctx)
	if err != nil {
		return nil, err
	}
	files := make(map[string]string) // by lab
	for _, n := range nodes {
		files[n.Lab] = n.File
	}
	var names []string
	for n := range files {
		if name == "" || n == name || n == scenarios.Project(name) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 0 && name == "":
		return nil, errors.New("no lab is up: crosslan up NAME starts one")
	case len(names) == 0:
		return nil, fmt.Errorf("no lab %s is up: crosslan up %s starts it", name, name)
	case len(names) > 1:
		return nil, usageError{fmt.Errorf("%s are up: choose one with --lab", strings.Join(names, " and "))}
	}
	s, err := scenarios.OpenRunning(ctx, files[names[0]])
	if err != nil {
		return nil, err
	}
	return lab.Attach(ctx, s.Topology)
}
