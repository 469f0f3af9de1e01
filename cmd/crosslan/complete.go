package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crosslan/crosslan/scenarios"
)

// completeScenario completes the names of scenarios, and Compose files.
func completeScenario(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	all, err := scenarios.BuiltIn()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(all))
	for i, s := range all {
		names[i] = s.Name + "\t" + s.Question
	}
	return names, cobra.ShellCompDirectiveDefault
}

// langFlag adds --lang to cmd: the language of questions and lessons.
func langFlag(cmd *cobra.Command) *scenarios.Language {
	v := languageValue(scenarios.English)
	cmd.Flags().Var(&v, "lang", "language of the lesson: en or zh")
	return (*scenarios.Language)(&v)
}

type languageValue scenarios.Language

var _ pflag.Value = (*languageValue)(nil)

func (v *languageValue) String() string { return string(*v) }
func (v *languageValue) Type() string   { return "en|zh" }
func (v *languageValue) Set(s string) error {
	switch l := scenarios.Language(s); l {
	case scenarios.English, scenarios.Chinese:
		*v = languageValue(l)
		return nil
	}
	return fmt.Errorf("no lesson in %q: choose en or zh", s)
}
