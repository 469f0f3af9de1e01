package lab

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/gofrs/flock"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// A Lab is a topology that runs.
type Lab struct {
	topology *Topology
	engine   engine
	images   map[string]string // what each image's name stood for when it was looked up
	lock     *flock.Flock      // nil for a lab that outlives its process
	kept     bool
}

// ErrUp is returned by Start when the lab is up already and is kept so.
var ErrUp = errors.New("is up already")

// cleanupTime bounds the removal of a lab after its own context has ended.
const cleanupTime = time.Minute

// options are what Start can be told.
type options struct {
	keep     bool
	progress func(string)
}

// An Option changes how Start works.
type Option func(*options)

// Keep lets the lab outlive the process that starts it, until [Remove].
func Keep() Option { return func(o *options) { o.keep = true } }

// Progress is told what Start does when that takes a while: building the node
// image, waiting for another process.
func Progress(tell func(string)) Option { return func(o *options) { o.progress = tell } }

// Start brings t up and returns when every node has said that it is ready.
// It waits while another process runs a lab of the same name, and first
// removes every lab whose owner is gone. On an error, and when ctx ends,
// nothing of the lab is left behind.
func Start(ctx context.Context, t *Topology, opts ...Option) (*Lab, error) {
	o := options{progress: func(string) {}}
	for _, opt := range opts {
		opt(&o)
	}
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	lock, err := acquire(ctx, t.Name, func() { o.progress("waiting for another process that runs " + t.Name) })
	if err != nil {
		return nil, err
	}
	l := &Lab{topology: t, engine: e, lock: lock, kept: o.keep}
	if err := l.bringUp(ctx, o); err != nil {
		return nil, errors.Join(err, l.unlock())
	}
	if o.keep {
		return l, l.unlock()
	}
	return l, nil
}

// bringUp starts everything and takes it away again if anything fails.
func (l *Lab) bringUp(ctx context.Context, o options) error {
	if err := l.engine.makeRoom(ctx, l.topology); err != nil {
		return err
	}
	var err error
	if l.images, err = l.engine.provideImages(ctx, l.topology, o.progress); err != nil {
		return err
	}
	if err = l.startAll(ctx); err == nil {
		err = l.prove(ctx)
	}
	if err == nil {
		return nil
	}
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	return errors.Join(err, l.engine.removeLab(cleanup, l.topology.Name))
}

// startAll makes the networks, then the nodes, as many at once as pays: the
// engine serialises the most of it, and a little more than the cores hides
// its waiting.
func (l *Lab) startAll(ctx context.Context) error {
	t, labels := l.topology, l.topology.labels(l.kept)
	networks, netCtx := errgroup.WithContext(ctx)
	networks.SetLimit(parallel())
	for _, n := range t.Networks {
		networks.Go(func() error {
			if err := netCtx.Err(); err != nil {
				return context.Cause(netCtx)
			}
			return l.engine.createNetwork(context.WithoutCancel(netCtx), n, labels)
		})
	}
	if err := networks.Wait(); err != nil {
		return err
	}
	gate := newGate(t.Nodes)
	slots := make(chan struct{}, parallel())
	nodes, nodeCtx := errgroup.WithContext(ctx)
	for _, n := range t.Nodes {
		nodes.Go(func() error { return l.startNode(nodeCtx, n, labels, gate, slots) })
	}
	return nodes.Wait()
}

// parallel is how many requests are put to the engine at once.
func parallel() int { return runtime.NumCPU() + 2 }

// startNode takes one node from nothing to ready. Requests that make
// something are not cancelled half-way: the engine would finish them unseen,
// after the clean-up had looked for what to remove.
func (l *Lab) startNode(ctx context.Context, n NodeSpec, labels map[string]string, g gate, slots chan struct{}) error {
	if n.Inside != "" {
		if err := g.wait(ctx, l.engine, l.topology, n); err != nil {
			return err
		}
	}
	slots <- struct{}{}
	id, err := l.createNode(ctx, n, labels)
	<-slots
	if err != nil {
		return err
	}
	if err := g.wait(ctx, l.engine, l.topology, n); err != nil {
		return err
	}
	slots <- struct{}{}
	err = l.launch(ctx, n, id)
	<-slots
	if err != nil {
		return err
	}
	close(g.started[n.Name])
	if err := l.engine.awaitReady(ctx, n.Name, id, n.readiness()); err != nil {
		return err
	}
	close(g.ready[n.Name])
	return nil
}

func (l *Lab) createNode(ctx context.Context, n NodeSpec, labels map[string]string) (id string, err error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	c, err := l.engine.createContainer(context.WithoutCancel(ctx), l.topology, n, l.images[n.Image], labels)
	if err != nil {
		return "", err
	}
	return c.GetContainerID(), nil
}

func (l *Lab) launch(ctx context.Context, n NodeSpec, id string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if _, err := l.engine.ContainerStart(context.WithoutCancel(ctx), id, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start node %s: %w", n.Name, err)
	}
	return nil
}

// Stop takes the lab away: its nodes without waiting for what they might
// still say, then its networks. It may be called more than once.
func (l *Lab) Stop(ctx context.Context) error {
	return errors.Join(l.engine.removeLab(ctx, l.topology.Name), l.unlock())
}

// Close is Stop for a defer: it goes on, within a minute, when ctx has ended.
func (l *Lab) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	return l.Stop(ctx)
}

func (l *Lab) unlock() error {
	if l.lock == nil {
		return nil
	}
	lock := l.lock
	l.lock = nil
	if err := lock.Unlock(); err != nil {
		return fmt.Errorf("let go of the lock of lab %s: %w", l.topology.Name, err)
	}
	return nil
}

// Topology returns what the lab was started from.
func (l *Lab) Topology() *Topology { return l.topology }
