package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/lab"
)

func newDoctor() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can do, and what to do about what it cannot",
		Args:  exactly(0, "no arguments"),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		findings, err := lab.Diagnose(cmd.Context())
		if err != nil {
			return err
		}
		if *asJSON {
			if err := printJSON(cmd.OutOrStdout(), findings); err != nil {
				return err
			}
		} else if err := printFindings(cmd, findings); err != nil {
			return err
		}
		for _, f := range findings {
			if f.Grade == lab.Bad {
				return errors.New("labs do not work on this machine; see above")
			}
		}
		return nil
	}
	return cmd
}

func printFindings(cmd *cobra.Command, findings []lab.Finding) error {
	t := newTable(cmd.OutOrStdout(), "", "WHAT", "FOUND")
	for _, f := range findings {
		t.row(string(f.Grade), f.What, f.Found)
		if f.Advice != "" {
			t.row("", "", fmt.Sprintf("-> %s", f.Advice))
		}
	}
	return t.Flush()
}
