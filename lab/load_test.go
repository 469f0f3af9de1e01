package lab_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/lab"
)

func TestLoadReadsAddressesAndRouters(t *testing.T) {
	topology, err := lab.Load(t.Context(), "../compose/routed.yml")
	require.NoError(t, err)

	assert.Equal(t, "crosslan-routed", topology.Name)
	assert.Equal(t, 3, topology.Number)
	assert.Equal(t, []string{"router", "host-a", "host-b"}, topology.NodeNames(), "story is Compose's alone")
	lanA, err := topology.Network("lan-a")
	require.NoError(t, err)
	assert.Equal(t, []netip.Addr{netip.MustParseAddr("10.3.1.1")}, lanA.Routers)
	router, err := topology.Node("router")
	require.NoError(t, err)
	assert.Equal(t, []lab.Attachment{
		{Network: "lan-a", Addrs: []netip.Addr{netip.MustParseAddr("10.3.1.2"), netip.MustParseAddr("10.3.1.1")}},
		{Network: "lan-b", Addrs: []netip.Addr{netip.MustParseAddr("10.3.2.2"), netip.MustParseAddr("10.3.2.1")}},
	}, router.Attachments, "from IPAM, then the one that it takes by itself")
}

// faults are Compose files that cannot work, each with what its error must say.
var faults = map[string]struct {
	yaml string
	says []string
}{
	"not YAML":    {"services: [", []string{"not a Compose file"}},
	"not Compose": {"services: {a: {image: x, imaeg: y}}", []string{"not a Compose file", "imaeg"}},
	"no services": {"networks: {lan-a: {}}", []string{"no services"}},
	"internal: true on a routed LAN": {`
services: {a: {image: x, networks: {lan-a: {}}}}
networks:
  lan-a:
    internal: true
    ipam: {config: [{subnet: 10.250.1.0/24, gateway: 10.250.1.254, aux_addresses: {DefaultGatewayIPv4: 10.250.1.1}}]}`,
		[]string{"network lan-a", "internal: true", "delete the line"}},
	"overlapping subnets": {`
services: {a: {image: x}}
networks:
  lan-a: {ipam: {config: [{subnet: 10.250.1.0/24}]}}
  lan-b: {ipam: {config: [{subnet: 10.250.0.0/16}]}}`,
		[]string{"lan-a", "lan-b", "overlap", "10.250.0.0/16", "10.250.1.0/24"}},
	"gateway outside its subnet": {`
services: {a: {image: x}}
networks:
  lan-a: {ipam: {config: [{subnet: 10.250.1.0/24, gateway: 10.250.2.254}]}}`,
		[]string{"network lan-a", "gateway 10.250.2.254", "10.250.1.0/24"}},
	"router outside its subnet": {`
services: {a: {image: x}}
networks:
  lan-a: {ipam: {config: [{subnet: 10.250.1.0/24, aux_addresses: {DefaultGatewayIPv4: 10.250.2.1}}]}}`,
		[]string{"network lan-a", "10.250.2.1", "outside"}},
	"malformed subnet": {`
services: {a: {image: x}}
networks:
  lan-a: {ipam: {config: [{subnet: 10.250.1.0}]}}`,
		[]string{"network lan-a", `"10.250.1.0"`}},
	"host bits in a subnet": {`
services: {a: {image: x}}
networks:
  lan-a: {ipam: {config: [{subnet: 10.250.1.7/24}]}}`,
		[]string{"network lan-a", "write 10.250.1.0/24"}},
	"address outside its network": {`
services: {a: {image: x, networks: {lan-a: {ipv4_address: 10.250.9.10}}}}
networks:
  lan-a: {ipam: {config: [{subnet: 10.250.1.0/24}]}}`,
		[]string{"service a", "10.250.9.10", "lan-a"}},
	"an address twice": {`
services:
  a: {image: x, networks: {lan-a: {ipv4_address: 10.250.1.10}}}
  b: {image: x, networks: {lan-a: {ipv4_address: 10.250.1.10}}}
networks:
  lan-a: {ipam: {config: [{subnet: 10.250.1.0/24}]}}`,
		[]string{"10.250.1.10", "service b", "belongs to a"}},
	"the host's network":             {"services: {a: {image: x, network_mode: host}}", []string{"service a", "network_mode: host"}},
	"more than one container":        {"services: {a: {image: x, scale: 2}}", []string{"service a", "scale"}},
	"a misspelt extension":           {"x-crosslan: {numbr: 4}\nservices: {a: {image: x}}", []string{"x-crosslan", "numbr", "number"}},
	"an extension of the wrong type": {"x-crosslan: {number: four}\nservices: {a: {image: x}}", []string{"number", "four"}},
	"no such external network":       {"services: {a: {image: x, networks: [shop]}}\nnetworks: {shop: {external: true}}", []string{"network shop", "external"}},
}

func TestLoadSaysInOneLineWhatCannotWork(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "compose.yml")
			require.NoError(t, os.WriteFile(path, []byte(fault.yaml), 0o600))
			_, err := lab.Load(t.Context(), path)
			require.Error(t, err)
			assert.True(t, strings.HasPrefix(err.Error(), path+": "), "names the file: %v", err)
			assert.NotContains(t, err.Error(), "\n")
			for _, part := range fault.says {
				assert.Contains(t, err.Error(), part)
			}
		})
	}
}

func TestLoadOfAMissingFile(t *testing.T) {
	_, err := lab.Load(t.Context(), "nowhere/compose.yml")
	require.EqualError(t, err, "nowhere/compose.yml: no such Compose file")
}
