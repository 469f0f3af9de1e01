package lab

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// Remove takes the lab called name away, whoever started it. It is an error if
// there is none, or if a living process runs it.
func Remove(ctx context.Context, name string) error {
	e, err := connect(ctx)
	if err != nil {
		return err
	}
	lock, err := tryAcquire(name)
	if err != nil {
		return err
	}
	if lock == nil {
		return fmt.Errorf("lab %s belongs to a process that still runs: end that first", name)
	}
	defer lock.Unlock()
	all, err := e.labs(ctx, labelled(labelLab, name))
	if err != nil {
		return err
	}
	if !all[name] {
		return fmt.Errorf("no lab %s is up (crosslan ps shows those that are)", name)
	}
	return e.removeLab(ctx, name)
}

// removeLab removes everything that carries the lab's label. What is gone
// already is no error.
func (e engine) removeLab(ctx context.Context, name string) error {
	containers, err := e.labContainers(ctx, name)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(parallel())
	for _, c := range containers {
		group.Go(func() error {
			_, err := e.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
			return ignoreGone("remove container "+c.ID, err)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return errors.Join(e.removeNetworks(ctx, name), e.removeVolumes(ctx, name))
}

func (e engine) removeNetworks(ctx context.Context, name string) error {
	networks, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: labelled(labelLab, name)})
	if err != nil {
		return fmt.Errorf("list the networks of lab %s: %w", name, err)
	}
	var group errgroup.Group
	group.SetLimit(parallel())
	for _, n := range networks.Items {
		group.Go(func() error {
			_, err := e.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
			return ignoreGone("remove network "+n.Name, err)
		})
	}
	return group.Wait()
}

func (e engine) removeVolumes(ctx context.Context, name string) error {
	volumes, err := e.VolumeList(ctx, client.VolumeListOptions{Filters: labelled(labelLab, name)})
	if err != nil {
		return fmt.Errorf("list the volumes of lab %s: %w", name, err)
	}
	for _, v := range volumes.Items {
		_, err := e.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
		if err := ignoreGone("remove volume "+v.Name, err); err != nil {
			return err
		}
	}
	return nil
}

func ignoreGone(doing string, err error) error {
	// A conflict is another process that is removing it already.
	if err == nil || errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// makeRoom removes labs whose owner is gone, and sees that nobody else uses
// the names of t. The caller holds t's lock.
func (e engine) makeRoom(ctx context.Context, t *Topology) error {
	if err := e.reap(ctx, t.Name); err != nil {
		return err
	}
	found, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: labelled(composeProject, t.Name)})
	if err != nil {
		return fmt.Errorf("look for containers of %s: %w", t.Name, err)
	}
	for _, c := range found.Items {
		switch {
		case c.Labels[labelLab] == "":
			return fmt.Errorf("%s %w under docker compose: docker compose -p %s down takes it away", t.Name, ErrUp, t.Name)
		case c.Labels[labelKept] == "true":
			return fmt.Errorf("%s %w: crosslan down %s takes it away", t.Name, ErrUp, t.Name)
		}
	}
	return e.removeLab(ctx, t.Name) // what a dead process of this name left
}

// reap removes every lab of this machine and user whose owner is gone, except
// the one called mine, whose lock the caller holds, and those that are kept.
func (e engine) reap(ctx context.Context, mine string) error {
	names, err := e.ownedLabs(ctx)
	if err != nil {
		return err
	}
	for name := range names {
		if name == mine {
			continue
		}
		if err := e.reapOne(ctx, name); err != nil {
			return fmt.Errorf("remove lab %s, whose owner is gone: %w", name, err)
		}
	}
	return nil
}

func (e engine) reapOne(ctx context.Context, name string) error {
	lock, err := tryAcquire(name)
	if err != nil || lock == nil { // nil: its owner lives
		return err
	}
	defer lock.Unlock()
	return e.removeLab(ctx, name)
}

// ownedLabs names the labs that this machine and user may judge, except those
// that are kept.
func (e engine) ownedLabs(ctx context.Context) (map[string]bool, error) {
	return e.labs(ctx, labelled(labelOwner, owner()).Add("label", labelKept+"=false"))
}

// labs names the labs that have a container or a network with these labels: a
// process can die between the two.
func (e engine) labs(ctx context.Context, filters client.Filters) (map[string]bool, error) {
	names := make(map[string]bool)
	containers, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filters})
	if err != nil {
		return nil, fmt.Errorf("list labs: %w", err)
	}
	for _, c := range containers.Items {
		names[c.Labels[labelLab]] = true
	}
	networks, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: filters})
	if err != nil {
		return nil, fmt.Errorf("list labs: %w", err)
	}
	for _, n := range networks.Items {
		names[n.Labels[labelLab]] = true
	}
	return names, nil
}
