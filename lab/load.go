package lab

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// Names of IPAM's auxiliary addresses that the engine gives to hosts as their
// default route (libnetwork's bridge driver).
const (
	auxRouter4 = "DefaultGatewayIPv4"
	auxRouter6 = "DefaultGatewayIPv6"
)

// Load reads the Compose file at path and checks that it can work as a lab.
// Its error is one line: the file, what is wrong, and what to do about it.
func Load(ctx context.Context, path string) (*Topology, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: no such Compose file", path)
		}
		return nil, fmt.Errorf("read Compose file: %w", err)
	}
	t, err := LoadBytes(ctx, path, content)
	if err == nil {
		t.source = absolute(path)
	}
	return t, err
}

// LoadBytes is Load for a file that is already in memory, such as an embedded
// one; path is its name in errors and the base of relative paths in it.
func LoadBytes(ctx context.Context, path string, content []byte) (*Topology, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	env := types.NewMapping(os.Environ())
	details := types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, filepath.Base(path)), Content: bytes.Clone(content)}},
		Environment: env,
	}
	project, err := loader.LoadWithContext(ctx, details, func(o *loader.Options) {
		// Without name: in the file Compose takes the folder's name.
		o.SetProjectName(loader.NormalizeProjectName(filepath.Base(dir)), false)
		o.Profiles = []string{}
	})
	if err != nil {
		return nil, fmt.Errorf("%s: not a Compose file that works: %s", path, oneLine(err))
	}
	t, err := newTopology(path, project)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// oneLine folds a parser's multi-line message.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

func newTopology(path string, project *types.Project) (*Topology, error) {
	ext, err := parseExtension(project.Extensions, "number", "lesson")
	if err != nil {
		return nil, err
	}
	t := &Topology{Name: project.Name, File: path, source: path, Number: ext.Number, Lesson: ext.Lesson, project: project}
	for name, config := range project.Networks {
		n, err := newNetworkSpec(name, config)
		if err != nil {
			return nil, fmt.Errorf("network %s: %w", name, err)
		}
		t.Networks = append(t.Networks, n)
	}
	slices.SortFunc(t.Networks, compareNetworks)
	for name, service := range project.Services {
		n, err := newNodeSpec(name, service, t.Networks)
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", name, err)
		}
		if !n.ext.Story {
			t.Nodes = append(t.Nodes, n)
		}
	}
	slices.SortFunc(t.Nodes, t.compareNodes)
	t.claimRouterAddresses()
	return t, nil
}

func newNetworkSpec(name string, config types.NetworkConfig) (NetworkSpec, error) {
	n := NetworkSpec{Name: name, config: config}
	for _, pool := range config.Ipam.Config {
		if pool.Subnet == "" {
			continue
		}
		subnet, err := netip.ParsePrefix(pool.Subnet)
		if err != nil {
			return n, fmt.Errorf("subnet %q is not an address prefix such as 10.1.1.0/24", pool.Subnet)
		}
		if subnet != subnet.Masked() {
			return n, fmt.Errorf("subnet %s has host bits set; write %s", subnet, subnet.Masked())
		}
		n.Subnets = append(n.Subnets, subnet)
		for _, aux := range []string{auxRouter4, auxRouter6} {
			if pool.AuxiliaryAddresses[aux] == "" {
				continue
			}
			addr, err := netip.ParseAddr(pool.AuxiliaryAddresses[aux])
			if err != nil {
				return n, fmt.Errorf("%s: %q is not an address", aux, pool.AuxiliaryAddresses[aux])
			}
			n.Routers = append(n.Routers, addr)
		}
	}
	return n, nil
}

func newNodeSpec(name string, service types.ServiceConfig, networks []NetworkSpec) (NodeSpec, error) {
	n := NodeSpec{Name: name, Image: service.Image, Command: service.Command, service: service}
	var err error
	if n.ext, err = parseExtension(service.Extensions, "story", "ready", "nat"); err != nil {
		return n, err
	}
	n.Inside, _ = strings.CutPrefix(service.NetworkMode, types.ServicePrefix)
	if n.Inside == service.NetworkMode {
		n.Inside = ""
	}
	for _, network := range networks {
		config, ok := service.Networks[network.Name]
		if !ok {
			continue
		}
		a := Attachment{Network: network.Name}
		if config != nil {
			for _, s := range []string{config.Ipv4Address, config.Ipv6Address} {
				if s == "" {
					continue
				}
				addr, err := netip.ParseAddr(s)
				if err != nil {
					return n, fmt.Errorf("network %s: %q is not an address", network.Name, s)
				}
				a.Addrs = append(a.Addrs, addr)
			}
		}
		n.Attachments = append(n.Attachments, a)
	}
	return n, nil
}

// claimRouterAddresses gives each network's router address to the node whose
// command names it: that node takes it by itself, since IPAM will not hand out
// a reserved address.
func (t *Topology) claimRouterAddresses() {
	for _, network := range t.Networks {
		for _, router := range network.Routers {
			for i := range t.Nodes {
				t.Nodes[i].claim(network, router)
			}
		}
	}
}

func (n *NodeSpec) claim(network NetworkSpec, router netip.Addr) {
	names := slices.ContainsFunc(n.Command, func(arg string) bool {
		_, value, isFlag := strings.Cut(arg, "=")
		if !isFlag {
			value = arg
		}
		p, err := netip.ParsePrefix(value)
		return err == nil && p.Addr() == router
	})
	if !names {
		return
	}
	for i, a := range n.Attachments {
		if a.Network == network.Name {
			n.Attachments[i].Addrs = append(n.Attachments[i].Addrs, router)
		}
	}
}

func compareNetworks(a, b NetworkSpec) int {
	if len(a.Subnets) == 0 || len(b.Subnets) == 0 {
		return cmp.Or(len(b.Subnets)-len(a.Subnets), strings.Compare(a.Name, b.Name))
	}
	return cmp.Or(a.Subnets[0].Addr().Compare(b.Subnets[0].Addr()), strings.Compare(a.Name, b.Name))
}

func (t *Topology) compareNodes(a, b NodeSpec) int {
	return cmp.Or(cmp.Compare(t.rank(a), t.rank(b)), a.firstAddr().Compare(b.firstAddr()), strings.Compare(a.Name, b.Name))
}

// rank is the index of a node's first network.
func (t *Topology) rank(n NodeSpec) int {
	if len(n.Attachments) == 0 {
		return len(t.Networks)
	}
	return slices.IndexFunc(t.Networks, func(network NetworkSpec) bool { return network.Name == n.Attachments[0].Network })
}

func (n NodeSpec) firstAddr() netip.Addr {
	for _, a := range n.Attachments {
		if len(a.Addrs) > 0 {
			return a.Addrs[0]
		}
	}
	return netip.Addr{}
}
