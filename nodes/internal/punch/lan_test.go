package punch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// TestNeighbours: two behind one NAT, which does not hairpin, find each other by their own
// addresses.
func TestNeighbours(t *testing.T) {
	l := newLab(t)
	neighbour := nstest.New(t)
	// On a cable of its own: it is the same LAN as far as the NAT's outside goes.
	nstest.Link(t, l.homes[0].router, "lan2", "10.5.3.1/24", neighbour, "eth0", "10.5.3.10/24")
	neighbour.Route(t, "0.0.0.0/0", "10.5.3.1")
	l.homes[0].inside = append(l.homes[0].inside, "10.5.3.0/24")
	l.homes[0].become(t, strict, nat.PermitByMapping)
	l.homes[1].host = neighbour
	transports(t, func(t *testing.T, _ bool, args []string) {
		args = append(args, "--token", "neighbours")
		a := l.start(t, 0, append(args, "--serve", "echo")...)
		l.meets(t, a, args...)
		assert.Regexp(t, `path       direct 10\.5\.1\.10:\d+ -> 10\.5\.3\.10:\d+ `, a.out.String())
	})
}
