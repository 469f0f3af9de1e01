package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/scenarios"
)

func newList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the scenarios and the question that each answers",
		Args:  exactly(0, "no arguments"),
	}
	asJSON := jsonFlag(cmd)
	lang := langFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		all, err := scenarios.BuiltIn()
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), all)
		}
		t := newTable(cmd.OutOrStdout(), "N", "NAME", "QUESTION")
		for _, s := range all {
			question := s.Question
			if *lang == scenarios.Chinese {
				question = s.QuestionZh
			}
			t.row(strconv.Itoa(s.Number), s.Name, question)
		}
		return t.Flush()
	}
	return cmd
}
