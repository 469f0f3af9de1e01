package punch_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// TestPairs: of the 81 pairs of kinds, the 57 come to a direct path that theory says:
// either side filters endpoint-independently, or both map so, or either maps endpoint-
// independently and filters address-dependently. The others come to none, and both
// sides say so.
func TestPairs(t *testing.T) {
	for _, tcp := range []bool{false, true} {
		t.Run(name(tcp), func(t *testing.T) {
			assert.Equal(t, 57, countDirect(t, tcp, nat.PermitByMapping, func(a, b natKind) bool {
				return a.f == nat.FilterEndpointIndependent || b.f == nat.FilterEndpointIndependent ||
					a.m == nat.MapEndpointIndependent && b.m == nat.MapEndpointIndependent ||
					a.m == nat.MapEndpointIndependent && a.f == nat.FilterAddressDependent ||
					b.m == nat.MapEndpointIndependent && b.f == nat.FilterAddressDependent
			}))
		})
	}
}

// TestPairsByEndpoint: where permission is the endpoint's, only those miss each other who
// both filter by port and of whom neither can be known by what a server observes.
func TestPairsByEndpoint(t *testing.T) {
	for _, tcp := range []bool{false, true} {
		t.Run(name(tcp), func(t *testing.T) {
			assert.Equal(t, 77, countDirect(t, tcp, nat.PermitByEndpoint, func(a, b natKind) bool {
				return a.f != nat.FilterAddressAndPortDependent || b.f != nat.FilterAddressAndPortDependent ||
					a.m == nat.MapEndpointIndependent || b.m == nat.MapEndpointIndependent
			}))
		})
	}
}

func name(tcp bool) string {
	if tcp {
		return "tcp"
	}
	return "udp"
}

// countDirect lets each pair try, and compares it with the theory.
func countDirect(t *testing.T, tcp bool, p nat.Permission, theory func(a, b natKind) bool) int {
	l := newLab(t)
	agents := [2]*agent{l.agent(t, 0), l.agent(t, 1)}
	direct := 0
	for i := range 81 {
		a := natKind{nat.Mapping(i / 27), nat.Filtering(i / 9 % 3)}
		b := natKind{nat.Mapping(i / 3 % 3), nat.Filtering(i % 3)}
		l.homes[0].become(t, a, p)
		l.homes[1].become(t, b, p)
		got, logs := l.measure(t, agents, tcp, fmt.Sprintf("pair %d", i))
		require.Equal(t, theory(a, b), got, "%v with %v\n%s", a, b, logs)
		if got {
			direct++
		}
	}
	return direct
}

// lately is the end of the rendezvous' log.
func (l *lab) lately() string {
	s := l.log.String()
	return s[max(0, len(s)-1000):]
}

// measure lets both sides try, and talk if there is a path.
func (l *lab) measure(t *testing.T, agents [2]*agent, tcp bool, token string) (direct bool, logs string) {
	t.Helper()
	args := []string{"--rendezvous", l.server.String(), "--token", token, "--interval", "20ms"}
	if tcp {
		args = append(args, "--tcp")
	}
	agents[0].begin(t, append(args, "--serve", "echo")...)
	agents[1].begin(t, append(args, "--say", "hello")...)
	a, b := agents[0].end(t), agents[1].end(t)
	logs = fmt.Sprintf("A\n%sB\n%sserver\n%s", a.Output, b.Output, l.lately())
	if a.Status == 0 {
		require.Zero(t, b.Status, logs)
		require.Contains(t, a.Output, "path       direct ", logs)
		require.Contains(t, b.Output, "path       direct ", logs)
		require.Contains(t, b.Output, "reply      hello", logs)
		return true, logs
	}
	require.Equal(t, []int{1, 1}, []int{a.Status, b.Status}, logs)
	require.Contains(t, a.Output, "client: punch: no direct path to", logs)
	require.Contains(t, b.Output, "client: punch: no direct path to", logs)
	return false, logs
}
