package scenarios

import (
	"context"
	"fmt"
	"io"

	"github.com/crosslan/crosslan/lab"
)

// onLab is the Stage that a running lab is.
type onLab struct{ *lab.Lab }

// OnLab lets a lesson be played on a running lab.
func OnLab(l *lab.Lab) Stage { return onLab{l} }

func (s onLab) Exec(ctx context.Context, node string, argv []string, out io.Writer) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	failure := newCapture(nil, cancel)
	code, err := s.Node(node).Stream(ctx, lab.Streams{Stdout: out, Stderr: failure}, argv...)
	if _, writeErr := io.WriteString(out, failure.String()); err == nil {
		err = writeErr
	}
	return code, err
}

func (s onLab) Logs(ctx context.Context, node string, out io.Writer) error {
	return s.Node(node).Logs(ctx, out, true)
}

func (s onLab) Nodes() []string { return s.Topology().NodeNames() }

func (s onLab) Do(ctx context.Context, verb string, args []string) error {
	node := s.Node(args[0])
	switch verb {
	case "kill":
		signal := ""
		if len(args) > 1 {
			signal = args[1]
		}
		return node.Kill(ctx, signal)
	case "restart":
		return node.Restart(ctx)
	case "pause":
		return node.Pause(ctx)
	case "unpause":
		return node.Unpause(ctx)
	case "cut":
		return node.Cut(ctx, args[1])
	case "join":
		return node.Join(ctx, args[1])
	}
	return fmt.Errorf("a lab knows no verb %q", verb)
}
