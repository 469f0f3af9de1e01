package probe

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

func TestNoNAT(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.route(t)
	l.serve(t, primary, alternate)
	got := l.start(t, 0, primary, "--bind", ":4000").text(t)
	assert.Equal(t, ""+
		"observed   udp 10.7.1.10:4000 -> 10.7.1.10:4000\n"+
		"observed   tcp 10.7.1.10:4000 -> 10.7.1.10:4000\n"+
		"mapping    udp none: no NAT, the observed address is the host's own\n"+
		"mapping    tcp none: no NAT, the observed address is the host's own\n"+
		"filtering  udp endpoint-independent\n"+
		"filtering  tcp endpoint-independent\n"+
		"kind       no NAT, and no firewall that filters by endpoint\n", got)
}

// A firewall is measured by the same questions, here over IPv6.
func TestFirewall(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.route(t)
	k := l.kernel(t)
	l.serve(t, primary6, alternate6)
	for f := range nat.Filtering(3) {
		t.Run(f.String(), func(t *testing.T) {
			_, err := k.ApplyFirewall(nat.Firewall{
				Inside:    []netip.Prefix{netip.MustParsePrefix("2001:db8:7:1::/64")},
				Outside:   netip.MustParsePrefix("2001:db8:7:ff::/64"),
				Filtering: f,
				Lifetimes: nat.DefaultLifetimes(),
			})
			require.NoError(t, err)
			r := l.start(t, 0, primary6, "--json").result(t)
			for _, b := range []*Behaviour{&r.UDP.Behaviour, r.TCP} {
				assert.False(t, b.NAT)
				assert.Empty(t, b.Mapping)
				assert.Empty(t, b.Ports)
				assert.Equal(t, b.Local, b.Observed)
				assert.Equal(t, f.String(), string(b.Filtering))
			}
			assert.Empty(t, r.UDP.Hairpin)
		})
	}
}
