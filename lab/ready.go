package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/crosslan/crosslan/images"
)

// A readiness is how a node says that it is ready, as its container's label
// keeps it.
type readiness string

const (
	readyEvent   readiness = "event"   // our own programs: a ready event in the log
	readyHealthy readiness = "healthy" // the image's or the file's healthcheck
	readyRunning readiness = "running" // nothing better is known: the container runs
	readyText              = "text:"   // x-crosslan ready: a text in the log
)

func (n NodeSpec) readiness() readiness {
	switch {
	case n.ext.Ready != "":
		return readyText + readiness(n.ext.Ready)
	case n.service.HealthCheck != nil && !n.service.HealthCheck.Disable:
		return readyHealthy
	case n.Image == images.Name:
		return readyEvent
	default:
		return readyRunning
	}
}

// awaitReady returns when the started container has said that it is ready, or
// an error as soon as it has ended instead.
func (e engine) awaitReady(ctx context.Context, node, id string, r readiness) error {
	return e.awaitReadyAfter(ctx, node, id, r, 0)
}

// awaitReadyAfter is awaitReady for a container that had printed a number of
// lines before it was started again.
func (e engine) awaitReadyAfter(ctx context.Context, node, id string, r readiness, lines int) error {
	var err error
	switch text, isText := strings.CutPrefix(string(r), readyText); {
	case r == readyRunning:
	case r == readyHealthy:
		err = e.awaitHealthy(ctx, id)
	case isText:
		err = e.awaitLine(ctx, id, lines, func(line string) bool { return strings.Contains(line, text) })
	default:
		err = e.awaitLine(ctx, id, lines, isReadyEvent)
	}
	if err != nil {
		return fmt.Errorf("node %s is not ready: %w", node, err)
	}
	return nil
}

// isReadyEvent recognises both forms in which a node program prints its event.
func isReadyEvent(line string) bool {
	return strings.HasPrefix(line, "ready ") || line == "ready" || strings.Contains(line, `"event":"ready"`)
}

// errEnded is what a node's own last line is added to.
var errEnded = errors.New("it ended before it said so")

// awaitLine follows the container's log until a line after the first skip
// lines matches. The stream ends when the container does.
func (e engine) awaitLine(ctx context.Context, id string, skip int, match func(string) bool) error {
	logs, err := e.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	if err != nil {
		return fmt.Errorf("follow its log: %w", err)
	}
	defer logs.Close()
	lines, w := io.Pipe()
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, err := stdcopy.StdCopy(w, w, logs)
		w.CloseWithError(err)
	}()
	defer func() {
		lines.Close()
		logs.Close()
		<-copied
	}()
	last := ""
	scanner := bufio.NewScanner(lines)
	for n := 0; scanner.Scan(); n++ {
		if n >= skip && match(scanner.Text()) {
			return nil
		}
		if line := strings.TrimSpace(scanner.Text()); line != "" {
			last = line
		}
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case scanner.Err() != nil:
		return fmt.Errorf("read its log: %w", scanner.Err())
	case last != "":
		return fmt.Errorf("%w: %s", errEnded, last)
	default:
		return errEnded
	}
}

// awaitHealthy follows the engine's events until the healthcheck has passed.
func (e engine) awaitHealthy(ctx context.Context, id string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream := e.Events(ctx, client.EventsListOptions{Filters: make(client.Filters).Add("container", id)})
	// Look once after listening has begun, so that nothing falls between.
	now, err := e.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("inspect it: %w", err)
	}
	if state := now.Container.State; state != nil {
		if state.Health != nil && state.Health.Status == container.Healthy {
			return nil
		}
		if !state.Running {
			return errEnded
		}
	}
	for {
		select {
		case m := <-stream.Messages:
			switch {
			case strings.HasPrefix(string(m.Action), string(events.ActionHealthStatusHealthy)):
				return nil
			case strings.HasPrefix(string(m.Action), string(events.ActionHealthStatusUnhealthy)):
				return errors.New("its healthcheck fails")
			case m.Action == events.ActionDie:
				return errEnded
			}
		case err := <-stream.Err:
			return fmt.Errorf("follow its events: %w", err)
		}
	}
}
