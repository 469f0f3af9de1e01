package client

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// story tells what a scenario is about, in the log of docker compose up.
type story struct {
	steps []step
	then  string // how the reader goes on
	exit  bool   // end after the last step
}

func storyCommand() *cobra.Command {
	var s story
	cmd := &cobra.Command{
		Use:   "story STEP...",
		Short: "Tell a scenario's story, step by step, then wait",
		Long: `Tell a story. A step is one argument: "# text" is narration; anything else is a
command of client, which is run and must succeed, or must fail if "! " precedes it.`,
		Example: `  client story "# The direct way fails:" "! echo 10.4.2.10:50007 hi" \
    "# The relay carries it:" "echo 10.4.1.20:50007 hi" \
    --then 'docker compose exec host-a client echo 10.4.1.20:50007 "your words"'`,
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().StringVar(&s.then, "then", "", "how the reader can go on; printed after the last step")
	cmd.Flags().BoolVar(&s.exit, "exit", false, "end after the last step instead of waiting")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := s.parse(args); err != nil {
			return node.Usagef("%w", err)
		}
		return s.tell(cmd.Context(), cmd.OutOrStdout())
	}
	return cmd
}

func (s *story) parse(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf(`no steps; write "# text" or a command such as "echo 10.1.1.10:50007 hi"`)
	}
	for _, a := range args {
		step, err := parseStep(a)
		if err != nil {
			return err
		}
		s.steps = append(s.steps, step)
	}
	return nil
}

// tell tells all steps, and then waits for the end of ctx.
func (s *story) tell(ctx context.Context, out io.Writer) error {
	events := node.From(ctx)
	events.Ready(fmt.Sprintf("story (steps: %d)", len(s.steps)))
	for _, step := range s.steps {
		if err := step.tell(ctx, out); err != nil {
			return err
		}
	}
	told := "the story; the nodes stay up"
	if s.then != "" {
		told = "the story; go on yourself: " + s.then
	}
	events.Print("told", told)
	if !s.exit {
		<-ctx.Done()
	}
	return nil
}
