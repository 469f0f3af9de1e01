package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/google/shlex"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// step is one part of a story: narration, or a command line of client.
type step struct {
	text  string   // the narration, or the command line as the story writes it
	args  []string // the command line; nil for narration
	fails bool     // the command is to fail
}

// parseStep reads a step as it is written in a Compose file.
func parseStep(s string) (step, error) {
	if text, ok := strings.CutPrefix(s, "#"); ok {
		return step{text: strings.TrimSpace(text)}, nil
	}
	line, fails := strings.CutPrefix(s, "! ")
	line = strings.TrimSpace(line)
	args, err := shlex.Split(line)
	if err != nil {
		return step{}, fmt.Errorf("step %q: %w", s, err)
	}
	if len(args) == 0 {
		return step{}, fmt.Errorf("step %q is empty; write \"# text\" or a command such as \"echo 10.1.1.10:50007 hi\"", s)
	}
	cmd, _, err := Command().Find(args)
	if err != nil || !cmd.HasParent() {
		return step{}, fmt.Errorf("step %q: client has no command %q", s, args[0])
	}
	if name := cmd.Name(); name == "story" || name == "idle" || name == "hold" {
		return step{}, fmt.Errorf("step %q: %s never ends and cannot be a step", s, name)
	}
	return step{text: line, args: args, fails: fails}, nil
}

// tell tells the step. The error is about the story: the command did not end as the
// story says.
func (s step) tell(ctx context.Context, out io.Writer) error {
	events := node.From(ctx)
	if s.args == nil {
		events.Narrate(s.text)
		return nil
	}
	events.Line("command", "$ client "+s.text)
	status := s.run(ctx, out, events)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case s.fails && status == 0:
		return fmt.Errorf("the story goes otherwise than told: %q succeeded, and was to fail", s.text)
	case !s.fails && status != 0:
		return fmt.Errorf("the story goes otherwise than told: %q failed, and was to succeed", s.text)
	}
	return nil
}

// run runs the command in this process. Its error goes where its events go: in the
// log of a container, standard output and standard error have no common order.
func (s step) run(ctx context.Context, out io.Writer, events *node.Events) int {
	cmd := Command()
	cmd.SetIn(strings.NewReader(""))
	var failure bytes.Buffer
	args := append([]string{"--log", string(events.Format())}, s.args...)
	status := node.Run(ctx, cmd, args, out, &failure)
	for line := range strings.Lines(failure.String()) {
		events.Line("error", strings.TrimSuffix(line, "\n"))
	}
	return status
}
