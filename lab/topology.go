package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// A Topology is what a Compose file says about networks and nodes, as data.
type Topology struct {
	// Name is the Compose project's name: crosslan-relay.
	Name string
	// File is the Compose file as it was named to Load; errors begin with it.
	File string
	// Number is the scenario's number in the address plan, 0 if it has none.
	Number int
	// Lesson is the path of the lesson that belongs to this file, relative
	// to the file's folder; empty if x-crosslan names none.
	Lesson string
	// Networks are sorted by their first subnet, so that a LAN with the
	// lower address comes first.
	Networks []NetworkSpec
	// Nodes are in the order of their first network, then of their address.
	Nodes []NodeSpec

	// source is File, made absolute if it was read from disk; it says on a
	// running lab's label where it came from.
	source  string
	project *types.Project
}

// A NetworkSpec is one network: a LAN, or the internet between routers.
type NetworkSpec struct {
	// Name is the network's name in the file: lan-a.
	Name string
	// Subnets has one prefix for each address family in use.
	Subnets []netip.Prefix
	// Routers are the addresses that hosts get as their default route
	// (aux_addresses DefaultGatewayIPv4 and DefaultGatewayIPv6), if any.
	Routers []netip.Addr

	config types.NetworkConfig
}

// A NodeSpec is one service of the file.
type NodeSpec struct {
	// Name is the service's name in the file: host-a.
	Name string
	// Image is the image that the node runs.
	Image string
	// Command is what the node runs in it; empty for the image's own.
	Command []string
	// Attachments are the node's places in networks, in the order of
	// Topology.Networks.
	Attachments []Attachment
	// Inside is the node whose network namespace this one shares
	// (network_mode: service:NAME); empty for a node of its own.
	Inside string

	service types.ServiceConfig
	ext     extension
}

// An Attachment is a node's place in a network.
type Attachment struct {
	Network string
	// Addrs are the addresses that the file fixes, then those that the node
	// takes by itself as the network's router; empty if the engine chooses.
	Addrs []netip.Addr
}

// Node returns the spec of the node called name.
func (t *Topology) Node(name string) (NodeSpec, error) {
	i := slices.IndexFunc(t.Nodes, func(n NodeSpec) bool { return n.Name == name })
	if i < 0 {
		return NodeSpec{}, fmt.Errorf("no node %q in %s: its nodes are %s", name, t.Name, strings.Join(t.NodeNames(), ", "))
	}
	return t.Nodes[i], nil
}

// Network returns the spec of the network called name.
func (t *Topology) Network(name string) (NetworkSpec, error) {
	i := slices.IndexFunc(t.Networks, func(n NetworkSpec) bool { return n.Name == name })
	if i < 0 {
		return NetworkSpec{}, fmt.Errorf("no network %q in %s: its networks are %s", name, t.Name, strings.Join(t.NetworkNames(), ", "))
	}
	return t.Networks[i], nil
}

// NodeNames returns the names of all nodes, in the topology's order.
func (t *Topology) NodeNames() []string {
	names := make([]string, len(t.Nodes))
	for i, n := range t.Nodes {
		names[i] = n.Name
	}
	return names
}

// NetworkNames returns the names of all networks, in the topology's order.
func (t *Topology) NetworkNames() []string {
	names := make([]string, len(t.Networks))
	for i, n := range t.Networks {
		names[i] = n.Name
	}
	return names
}

// routed reports whether packets of other networks are meant to cross n: it
// names a router, or a node with forwarding switched on has a leg in it.
func (t *Topology) routed(n NetworkSpec) bool {
	if len(n.Routers) > 0 {
		return true
	}
	return slices.ContainsFunc(t.Nodes, func(node NodeSpec) bool {
		in := slices.ContainsFunc(node.Attachments, func(a Attachment) bool { return a.Network == n.Name })
		return in && len(node.Attachments) > 1 && node.forwards()
	})
}

func (n NodeSpec) forwards() bool {
	return n.service.Sysctls["net.ipv4.ip_forward"] == "1" || n.service.Sysctls["net.ipv6.conf.all.forwarding"] == "1"
}
