package lab

import (
	"context"
	"fmt"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// containerName is Compose's own for a service's first container.
func (t *Topology) containerName(node string) string {
	if n, err := t.Node(node); err == nil && n.service.ContainerName != "" {
		return n.service.ContainerName
	}
	return t.Name + "-" + node + "-1"
}

// createContainer makes the container of one node from the image, with its place
// in every network, and does not start it.
func (e engine) createContainer(ctx context.Context, t *Topology, n NodeSpec, image string, labels map[string]string) (testcontainers.Container, error) {
	config, err := n.containerConfig(with(labels,
		labelNode, n.Name, labelReady, string(n.readiness()),
		composeService, n.Name, composeNumber, "1", composeOneOff, "False", composeHash, n.hash()))
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.Name, err)
	}
	config.Image = image
	host, err := n.hostConfig(t)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.Name, err)
	}
	endpoints := n.endpoints(t)
	request := testcontainers.ContainerRequest{
		Image:  image,
		Name:   t.containerName(n.Name),
		Labels: config.Labels,
		ConfigModifier: func(c *container.Config) {
			labels := c.Labels // testcontainers' own among them
			*c = *config
			c.Labels = labels
		},
		HostConfigModifier: func(h *container.HostConfig) { *h = *host },
		EndpointSettingsModifier: func(all map[string]*network.EndpointSettings) {
			// Engine 20.10 takes one network at create.
			if len(endpoints) > 0 {
				all[endpoints[0].network] = endpoints[0].settings
			}
		},
		LifecycleHooks: []testcontainers.ContainerLifecycleHooks{{
			PostCreates: []testcontainers.ContainerHook{func(ctx context.Context, c testcontainers.Container) error {
				return e.connectRest(ctx, c.GetContainerID(), endpoints)
			}},
		}},
	}
	c, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: request,
		Logger:           tclog.NewNoopLogger(),
	})
	if err != nil {
		return nil, fmt.Errorf("create node %s: %w", n.Name, err)
	}
	return c, nil
}

// An endpoint is a node's attachment in the engine's words.
type endpoint struct {
	network  string // the engine's name
	settings *network.EndpointSettings
}

func (n NodeSpec) endpoints(t *Topology) []endpoint {
	var all []endpoint
	for _, a := range n.Attachments {
		spec, err := t.Network(a.Network)
		if err != nil {
			continue // check has seen to it
		}
		all = append(all, endpoint{spec.config.Name, n.endpointSettings(a.Network)})
	}
	return all
}

// connectRest attaches a container to its networks after the first.
func (e engine) connectRest(ctx context.Context, id string, endpoints []endpoint) error {
	for i, ep := range endpoints {
		if i == 0 {
			continue
		}
		_, err := e.NetworkConnect(ctx, ep.network, client.NetworkConnectOptions{Container: id, EndpointConfig: ep.settings})
		if err != nil {
			return fmt.Errorf("connect to network %s: %w", ep.network, err)
		}
	}
	return nil
}
