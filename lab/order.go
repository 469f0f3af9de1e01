package lab

import (
	"context"
	"errors"
	"fmt"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// A gate lets the nodes of a starting lab wait for each other as depends_on
// and network_mode: service: say. Compose has refused circles before.
type gate struct {
	started, ready map[string]chan struct{}
}

func newGate(nodes []NodeSpec) gate {
	g := gate{make(map[string]chan struct{}), make(map[string]chan struct{})}
	for _, n := range nodes {
		g.started[n.Name] = make(chan struct{})
		g.ready[n.Name] = make(chan struct{})
	}
	return g
}

// wait returns when all that n depends on is as far as n wants it.
func (g gate) wait(ctx context.Context, e engine, t *Topology, n NodeSpec) error {
	for name, dependency := range n.service.DependsOn {
		condition := g.started[name]
		if dependency.Condition == types.ServiceConditionHealthy {
			condition = g.ready[name]
		}
		if condition == nil {
			continue // a service that a lab leaves out, such as the story
		}
		if err := await(ctx, condition); err != nil {
			return err
		}
		if dependency.Condition == types.ServiceConditionCompletedSuccessfully {
			if err := e.awaitSuccess(ctx, t.containerName(name)); err != nil {
				return fmt.Errorf("node %s waits for %s: %w", n.Name, name, err)
			}
		}
	}
	if n.Inside != "" {
		return await(ctx, g.started[n.Inside])
	}
	return nil
}

func await(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// awaitSuccess waits for a container's end and wants status 0.
func (e engine) awaitSuccess(ctx context.Context, name string) error {
	w := e.ContainerWait(ctx, name, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case end := <-w.Result:
		if end.StatusCode != 0 {
			return fmt.Errorf("it ended with status %d", end.StatusCode)
		}
		return nil
	case err := <-w.Error:
		return errors.Join(err, context.Cause(ctx))
	}
}
