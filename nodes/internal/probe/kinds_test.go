package probe

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// nine calls f for each kind.
func nine(t *testing.T, f func(t *testing.T, m nat.Mapping, f nat.Filtering)) {
	for m := range nat.Mapping(3) {
		for fl := range nat.Filtering(3) {
			t.Run(m.String()+"/"+fl.String(), func(t *testing.T) { f(t, m, fl) })
		}
	}
}

// Each kind is measured as what it was declared to be, from two hosts at once that use
// the same ports.
func TestNineKinds(t *testing.T) {
	t.Parallel()
	for _, ports := range []nat.Ports{nat.PreservePorts, nat.RandomPorts, nat.SequentialPorts} {
		t.Run(ports.String(), func(t *testing.T) {
			t.Parallel()
			l, k := newNATLab(t)
			nine(t, func(t *testing.T, m nat.Mapping, f nat.Filtering) {
				c := config()
				c.Mapping, c.Filtering, c.Ports = m, f, ports
				apply(t, k, c)
				hosts := []*client{
					l.start(t, 0, primary, "--json", "--bind", ":4000"),
					l.start(t, 1, primary, "--json", "--bind", ":4000"),
				}
				for i, h := range hosts {
					h.result(t).measures(t, i, c)
				}
			})
		})
	}
}

// measures says that the result is what the NAT was declared to be.
func (r Result) measures(t *testing.T, host int, c nat.Config) {
	t.Helper()
	assert.Equal(t, primary, r.Server.String())
	assert.Equal(t, alternate, r.Alternate.String())
	require.NotNil(t, r.UDP)
	require.NotNil(t, r.TCP)
	for _, b := range []*Behaviour{&r.UDP.Behaviour, r.TCP} {
		assert.True(t, b.NAT)
		assert.Equal(t, c.Mapping.String(), string(b.Mapping))
		assert.Equal(t, c.Filtering.String(), string(b.Filtering))
		assert.Equal(t, []string{"10.7.1.10:4000", "10.7.1.11:4000"}[host], b.Local.String())
		assert.Equal(t, wan, b.Observed.Addr().String())
		assert.Len(t, b.Observations, 3)
	}
	// A NAT that chooses ports at random keeps two of its own hosts apart even where it
	// hairpins, but under the independent behaviours.
	hairpin := HairpinExternal
	if c.Ports != nat.PreservePorts && c.Mapping != nat.MapEndpointIndependent && c.Filtering != nat.FilterEndpointIndependent {
		hairpin = HairpinUnknown
	}
	assert.Equal(t, hairpin, r.UDP.Hairpin)
}

// From one host alone, ports are what the NAT was told to do.
func TestPorts(t *testing.T) {
	t.Parallel()
	l, k := newNATLab(t)
	for ports, want := range map[nat.Ports]Ports{
		nat.PreservePorts:   PortsPreserved,
		nat.RandomPorts:     PortsNotPreserved,
		nat.SequentialPorts: PortsSequential,
	} {
		c := config()
		c.Ports = ports
		apply(t, k, c)
		r := l.start(t, 0, primary, "--json", "--udp").result(t)
		assert.Equal(t, want, r.UDP.Ports)
		assert.Nil(t, r.TCP)
	}
}

func TestNoHairpin(t *testing.T) {
	t.Parallel()
	l, k := newNATLab(t)
	nine(t, func(t *testing.T, m nat.Mapping, f nat.Filtering) {
		c := config()
		c.Mapping, c.Filtering, c.Hairpin = m, f, false
		apply(t, k, c)
		r := l.start(t, 0, primary, "--json", "--udp").result(t)
		assert.Equal(t, HairpinNo, r.UDP.Hairpin)
	})
}

// The words are those of the router, in which lab compares them.
func TestWordsAreTheRouters(t *testing.T) {
	var m []string
	for i := range nat.Mapping(3) {
		m = append(m, i.String())
	}
	assert.Equal(t, []string{string(MapEndpointIndependent), string(MapAddressDependent), string(MapAddressAndPortDependent)}, m)
	var f []string
	for i := range nat.Filtering(3) {
		f = append(f, i.String())
	}
	assert.Equal(t, []string{string(FilterEndpointIndependent), string(FilterAddressDependent), string(FilterAddressAndPortDependent)}, f)
}
