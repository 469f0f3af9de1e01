package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/lab"
	"github.com/crosslan/crosslan/scenarios"
)

// firstScenario is what a newcomer sees.
const firstScenario = "relay"

func newRun() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run [NAME...]",
		Short: "Bring scenarios up, play their lessons, take them down",
		Long: `Bring a scenario up, play its lesson and take it down; several names run one
after the other. Every line that a lesson promises is compared with what is
really printed: the status is 0 only if every line held.

NAME is a scenario or a path to any Compose file. A file of your own may name its
lesson at its top (x-crosslan: {lesson: lesson.md}); without one, run shows what
the nodes have printed by the time they are ready.`,
		Example:           "  crosslan run\n  crosslan run same-lan isolated routed relay\n  crosslan run --all --quiet\n  crosslan run ./my/compose.yml",
		ValidArgsFunction: completeScenario,
	}
	all := cmd.Flags().Bool("all", false, "every scenario of the catalogue")
	quiet := cmd.Flags().Bool("quiet", false, "one line a scenario instead of its lesson")
	lang := langFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		if *all && len(names) > 0 {
			return usageError{errors.New("run wants either names or --all")}
		}
		if *all {
			every, err := scenarios.BuiltIn()
			if err != nil {
				return err
			}
			for _, s := range every {
				names = append(names, s.Name)
			}
		}
		if len(names) == 0 {
			names = []string{firstScenario}
		}
		// A misspelt name is found before anything is started.
		opened := make([]*scenarios.Opened, len(names))
		for i, name := range names {
			var err error
			if opened[i], err = scenarios.Open(cmd.Context(), name, *lang); err != nil {
				return err
			}
		}
		for _, s := range opened {
			if err := runOne(cmd, s, *quiet); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func runOne(cmd *cobra.Command, s *scenarios.Opened, quiet bool) error {
	out := cmd.OutOrStdout()
	width, _ := terminal(out)
	o := scenarios.Options{Out: out, Prose: true, Color: colored(out), Width: min(width, scenarios.DefaultWidth)}
	if quiet {
		o.Out = io.Discard
	}
	result, err := s.Run(cmd.Context(), o, progress(cmd))
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	if quiet {
		fmt.Fprintf(out, "%s: every line held (%d commands)\n", s.Name, len(result.Steps))
	}
	return nil
}

// progress prints what a start does when that takes a while.
func progress(cmd *cobra.Command) lab.Option {
	return lab.Progress(func(line string) { fmt.Fprintf(cmd.ErrOrStderr(), "crosslan: %s\n", line) })
}
