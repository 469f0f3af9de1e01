package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

// routers are the nodes that may change their own network: a name among these,
// or one that begins with nat- or router-.
var routers = []string{"router", "carrier", "wan"}

func isRouter(node string) bool {
	return slices.Contains(routers, node) || strings.HasPrefix(node, "nat-") || strings.HasPrefix(node, "router-")
}

// extraCapabilities are those that a lesson gives to one host because it is
// about them, and says so.
var extraCapabilities = map[string][]string{
	// The lesson shows the packets that pass host-b: a helper beside it captures them.
	"crosslan-handshake/capture": {"NET_RAW"},
	// No packet of the conversation may pass the rendezvous or the relay: helpers beside
	// both look.
	"crosslan-hole-punch-udp/capture-server": {"NET_RAW"},
	"crosslan-hole-punch-udp/capture-relay":  {"NET_RAW"},
	"crosslan-hole-punch-tcp/capture-server": {"NET_RAW"},
	"crosslan-hole-punch-tcp/capture-relay":  {"NET_RAW"},
	// The lesson is about all kinds of sockets: this host may make raw ones, the other
	// may not.
	"crosslan-socket-types/host-a2": {"NET_RAW"},
	// One claim is that UDP checks nothing: a helper beside host-a forges a datagram
	// with a wrong checksum, and opens a raw socket where host-a may not.
	"crosslan-claims/raw": {"NET_RAW"},
	// The lesson compares raw ICMP sockets with datagram ones: host-a has none, a helper
	// beside it has.
	"crosslan-ping/raw": {"NET_RAW"},
}

// mayHave are the capabilities that a node of a scenario may add.
func mayHave(project, node string) []string {
	if isRouter(node) {
		return []string{"NET_ADMIN"}
	}
	return extraCapabilities[project+"/"+node]
}

func TestComposeFilesGiveNoPrivilege(t *testing.T) {
	files, err := filepath.Glob("../compose/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range append(files, "../docker-compose.yml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			options, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv)
			require.NoError(t, err)
			project, err := options.LoadProject(t.Context())
			require.NoError(t, err)
			for name, s := range project.Services {
				requireNoPrivilegeInFile(t, project.Name, name, s)
			}
			for name, n := range project.Networks {
				assert.False(t, n.Internal, "network %s: internal drops routed packets", name)
			}
		})
	}
}

func requireNoPrivilegeInFile(t *testing.T, project, name string, s types.ServiceConfig) {
	t.Helper()
	assert.False(t, s.Privileged, name)
	assert.Equal(t, []string{"ALL"}, s.CapDrop, name)
	assert.True(t, s.ReadOnly, "%s: its root file system is read-only", name)
	assert.Subset(t, mayHave(project, name), s.CapAdd, "%s: added capabilities", name)
	assert.Empty(t, s.Devices, name)
	assert.Empty(t, s.Volumes, "%s: nothing of the host is mounted", name)
	assert.False(t, s.UseAPISocket, name)
	assert.NotEqual(t, "host", s.NetworkMode, name)
	assert.NotEqual(t, "host", s.Pid, name)
	assert.NotEqual(t, "host", s.Ipc, name)
	assert.Equal(t, "never", s.PullPolicy, "%s: nothing is pulled under our name", name)
	for network := range s.Networks {
		assert.True(t, strings.HasPrefix(network, "lan-") || strings.HasPrefix(network, "internet") || strings.HasPrefix(network, "carrier"),
			"%s: network %s is neither a LAN nor the internet nor a carrier's", name, network)
	}
}

// requireNoPrivilege looks at the running containers: what the file says is
// what the engine does.
func requireNoPrivilege(t *testing.T, l *lab.Lab) {
	t.Helper()
	engine, err := lab.Engine(t.Context())
	require.NoError(t, err)
	project := l.Topology().Name
	list, err := engine.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", "io.crosslan.lab="+project)})
	require.NoError(t, err)
	require.Len(t, list.Items, len(l.Topology().Nodes))
	for _, c := range list.Items {
		node := c.Labels["io.crosslan.node"]
		inspected, err := engine.ContainerInspect(t.Context(), c.ID, client.ContainerInspectOptions{})
		require.NoError(t, err)
		host := inspected.Container.HostConfig
		assert.False(t, host.Privileged, node)
		assert.Equal(t, []string{"ALL"}, []string(host.CapDrop), node)
		assert.True(t, host.ReadonlyRootfs, node)
		assert.Empty(t, host.Binds, node)
		assert.Empty(t, host.Mounts, node)
		assert.Empty(t, host.PortBindings, node)
		assert.False(t, host.NetworkMode.IsHost(), node)
		var added []string
		for _, name := range host.CapAdd {
			added = append(added, strings.TrimPrefix(name, "CAP_"))
		}
		assert.Subset(t, mayHave(project, node), added, node)
		for network := range inspected.Container.NetworkSettings.Networks {
			assert.True(t, strings.HasPrefix(network, project+"_"), "%s is in network %s, which is not the lab's", node, network)
		}
	}
}
