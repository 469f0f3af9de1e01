package router

import (
	"bytes"
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

func TestPortMappingIsForANAT(t *testing.T) {
	for says, args := range map[string][]string{
		"--port-mapping-low-ports is for --port-mapping": {"--port-mapping-low-ports"},
		"--port-mapping is for a NAT":                    {"--port-mapping"},
		"name its sides by --inside and --outside":       {"--port-mapping", "--inside", "2001:db8:1::/64", "--outside", "2001:db8:2::/64"},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, 2, node.Run(t.Context(), Command(), args, &out, &errs))
		assert.Contains(t, errs.String(), says)
		assert.Empty(t, out.String(), "nothing is set up")
	}
}

func TestPortsAreAskedForAtTheAddressThatIsTaken(t *testing.T) {
	l := newLANs(t)
	_, err := l.apply(t, both())
	require.NoError(t, err)
	require.NoError(t, l.router.Do(func() error {
		k, err := nat.Open()
		if err != nil {
			return err
		}
		defer k.Close()
		taken := netip.MustParsePrefix("10.250.1.1/24")
		got, err := insideAddresses(k, []netip.Prefix{taken.Masked()}, []netip.Prefix{taken})
		assert.Equal(t, []netip.Prefix{taken, netip.MustParsePrefix("10.250.1.2/24")}, got, "not those of the other side")
		return err
	}))
}

func TestPortMappingStops(t *testing.T) {
	l := newLANs(t)
	_, err := l.apply(t, both())
	require.NoError(t, err)
	c := nat.Default()
	c.Inside, c.Outside = []netip.Prefix{netip.MustParsePrefix("10.250.1.0/24")}, netip.MustParsePrefix("10.250.2.0/24")
	require.NoError(t, l.router.Do(func() error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		serve, err := portMapping{on: true}.listen(ctx, &c, nil)
		if err != nil {
			return err
		}
		_, err = portMapping{on: true}.listen(ctx, &c, nil)
		assert.ErrorContains(t, err, "--port-mapping: bind: EADDRINUSE (98)", "one server only")
		cancel()
		return serve(ctx)
	}))
}
