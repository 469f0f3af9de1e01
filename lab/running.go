package lab

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/moby/moby/client"

	"github.com/moby/moby/api/types/container"
)

// A NodeState is one node of a lab that is up.
type NodeState struct {
	Lab       string   `json:"lab"`
	Node      string   `json:"node"`
	State     string   `json:"state"`  // the engine's word: running, exited, paused
	Status    string   `json:"status"` // the engine's words: Up 3 seconds
	Addresses []string `json:"addresses"`
	Kept      bool     `json:"kept"` // it outlives the process that started it
	File      string   `json:"file"` // the Compose file it was started from
}

// Running lists the nodes of all labs in the engine, by lab and name.
func Running(ctx context.Context) ([]NodeState, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	list, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: labelled(labelLab, "")})
	if err != nil {
		return nil, fmt.Errorf("list the labs' nodes: %w", err)
	}
	states := make([]NodeState, 0, len(list.Items))
	for _, c := range list.Items {
		s := NodeState{
			Lab: c.Labels[labelLab], Node: c.Labels[labelNode], State: string(c.State), Status: c.Status,
			Kept: c.Labels[labelKept] == "true", File: c.Labels[labelFile], Addresses: []string{},
		}
		if c.NetworkSettings != nil {
			for _, ep := range c.NetworkSettings.Networks {
				if ep.IPAddress.IsValid() {
					s.Addresses = append(s.Addresses, ep.IPAddress.String())
				}
			}
		}
		slices.Sort(s.Addresses)
		states = append(states, s)
	}
	slices.SortFunc(states, func(a, b NodeState) int { return cmp.Or(cmp.Compare(a.Lab, b.Lab), cmp.Compare(a.Node, b.Node)) })
	return states, nil
}

// Idle names the labs of this machine and user that no living process runs:
// those that are kept, and those whose owner is gone.
func Idle(ctx context.Context) ([]string, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	all, err := e.labs(ctx, labelled(labelOwner, owner()))
	if err != nil {
		return nil, err
	}
	var idle []string
	for name := range all {
		lock, err := tryAcquire(name)
		if err != nil {
			return nil, err
		}
		if lock == nil {
			continue
		}
		idle = append(idle, name)
		if err := lock.Unlock(); err != nil {
			return nil, fmt.Errorf("let go of the lock of lab %s: %w", name, err)
		}
	}
	slices.Sort(idle)
	return idle, nil
}

// Attach returns the running lab of t, which another process may have started,
// so that its nodes can be used. Stop takes it away like [Remove].
func Attach(ctx context.Context, t *Topology) (*Lab, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	found, err := e.labContainers(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no lab %s is up: crosslan up starts it", t.Name)
	}
	return &Lab{topology: t, engine: e, kept: true}, nil
}

func (e engine) labContainers(ctx context.Context, name string) ([]container.Summary, error) {
	list, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: labelled(labelLab, name)})
	if err != nil {
		return nil, fmt.Errorf("list the nodes of lab %s: %w", name, err)
	}
	return list.Items, nil
}
