package lab

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/images"
)

const benchFile = "testdata/two-legs.yml"

// BenchmarkRelay measures how long a relay between two LANs takes from nothing to
// ready, and from ready to nothing: by this package, by the bare engine calls for
// the same networks and containers as parallel as this package makes them but
// without any waiting, and by docker compose up -d and down where it is
// installed. The three take turns within each round; medians are reported.
func BenchmarkRelay(b *testing.B) {
	topology, err := Load(b.Context(), benchFile)
	require.NoError(b, err)
	e, err := connect(b.Context())
	require.NoError(b, err)
	_, err = images.Ensure(b.Context(), e.Client)
	require.NoError(b, err)
	ways := []*way{
		{name: "lab", up: func() error { return labUp(b, topology) }, down: func() error { return labDown(b) }},
		{name: "bare", up: func() error { return bareUp(b.Context(), e, topology) }, down: func() error { return bareDown(b.Context(), e, topology) }},
	}
	if exec.Command("docker", "compose", "version").Run() == nil {
		ways = append(ways, composeWay(topology))
	} else {
		b.Log("docker compose is not installed: measured without it")
	}
	for b.Loop() {
		for _, w := range ways {
			require.NoError(b, w.round(b.Context(), topology.Name), w.name)
		}
	}
	b.ReportMetric(0, "ns/op") // a round of all three says nothing
	for _, w := range ways {
		b.ReportMetric(median(w.ups), w.name+"-up-ms")
		b.ReportMetric(median(w.downs), w.name+"-down-ms")
	}
	b.ReportMetric(median(ways[0].ups)/median(ways[1].ups), "up-lab/bare")
	b.ReportMetric(median(ways[0].downs)/median(ways[1].downs), "down-lab/bare")
}

// A way is one of those measured, with its times in milliseconds.
type way struct {
	name       string
	up, down   func() error
	ups, downs []float64
}

// round goes up and down once. Whoever else wants the lab waits: a lab that is
// started holds its lock, and for the other ways round does.
func (w *way) round(ctx context.Context, lab string) error {
	if w.name != "lab" {
		lock, err := acquire(ctx, lab, func() {})
		if err != nil {
			return err
		}
		defer lock.Unlock()
	}
	up, err := timed(w.up)
	if err != nil {
		return fmt.Errorf("up: %w", err)
	}
	down, err := timed(w.down)
	w.ups, w.downs = append(w.ups, up), append(w.downs, down)
	return err
}

func timed(f func() error) (milliseconds float64, err error) {
	begin := time.Now()
	err = f()
	return float64(time.Since(begin)) / float64(time.Millisecond), err
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

var benchLab *Lab

func labUp(b *testing.B, t *Topology) (err error) {
	benchLab, err = Start(b.Context(), t)
	return err
}

func labDown(b *testing.B) error { return benchLab.Stop(b.Context()) }

// bareUp makes what a lab of t consists of and waits for nothing.
func bareUp(ctx context.Context, e engine, t *Topology) error {
	labels := t.labels(false)
	var networks, nodes errgroup.Group
	networks.SetLimit(parallel())
	nodes.SetLimit(parallel())
	for _, n := range t.Networks {
		networks.Go(func() error { return e.createNetwork(ctx, n, labels) })
	}
	if err := networks.Wait(); err != nil {
		return err
	}
	for _, n := range t.Nodes {
		nodes.Go(func() error { return bareNode(ctx, e, t, n, labels) })
	}
	return nodes.Wait()
}

func bareNode(ctx context.Context, e engine, t *Topology, n NodeSpec, labels map[string]string) error {
	config, err := n.containerConfig(labels)
	if err != nil {
		return err
	}
	host, err := n.hostConfig(t)
	if err != nil {
		return err
	}
	endpoints := n.endpoints(t)
	created, err := e.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: config, HostConfig: host, Name: t.containerName(n.Name),
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{endpoints[0].network: endpoints[0].settings}},
	})
	if err != nil {
		return err
	}
	if err := e.connectRest(ctx, created.ID, endpoints); err != nil {
		return err
	}
	_, err = e.ContainerStart(ctx, created.ID, client.ContainerStartOptions{})
	return err
}

func bareDown(ctx context.Context, e engine, t *Topology) error {
	var nodes, networks errgroup.Group
	nodes.SetLimit(parallel())
	networks.SetLimit(parallel())
	for _, n := range t.Nodes {
		nodes.Go(func() error {
			_, err := e.ContainerRemove(ctx, t.containerName(n.Name), client.ContainerRemoveOptions{Force: true})
			return err
		})
	}
	if err := nodes.Wait(); err != nil {
		return err
	}
	for _, n := range t.Networks {
		networks.Go(func() error {
			_, err := e.NetworkRemove(ctx, n.config.Name, client.NetworkRemoveOptions{})
			return err
		})
	}
	return networks.Wait()
}

// composeWay starts the same nodes, without the one that tells the story.
func composeWay(t *Topology) *way {
	run := func(args ...string) error {
		out, err := exec.Command("docker", append([]string{"compose", "-f", benchFile}, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	return &way{
		name: "compose",
		up:   func() error { return run(append([]string{"up", "-d"}, t.NodeNames()...)...) },
		down: func() error { return run("down") },
	}
}
