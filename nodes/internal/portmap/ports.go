package portmap

import (
	"math/rand/v2"
	"net/netip"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// firstPort is the lowest outside port that nobody has to ask for.
const firstPort = 1024

// choosePort returns a free outside port for the wish: the one that the host has
// already by what it sent (RFC 6887, section 11.3), the one it would like, the same
// as inside, or any.
func choosePort(w wish, lowest uint16, mappings []nat.Entry) (uint16, error) {
	taken := make(map[uint16]netip.AddrPort)
	var first []uint16
	for _, m := range mappings {
		if m.Protocol != w.protocol {
			// A host is to have both protocols of its port (RFC 6886, section 3.3).
			if m.Forward && !w.exact && m.Inside.Addr() != w.inside.Addr() {
				taken[m.Outside.Port()] = m.Inside
			}
			continue
		}
		taken[m.Outside.Port()] = m.Inside
		if m.Inside == w.inside && !m.Remote.IsValid() {
			first = append(first, m.Outside.Port())
		}
	}
	free := func(port uint16) bool {
		by, is := taken[port]
		return port != 0 && (!is || by == w.inside)
	}
	if w.exact && w.outside != 0 {
		if w.outside < lowest {
			return 0, errLowPort
		}
		if !free(w.outside) {
			return 0, errTaken
		}
		return w.outside, nil
	}
	if w.outside >= lowest {
		first = append(first, w.outside)
	}
	if w.inside.Port() >= firstPort {
		first = append(first, w.inside.Port())
	}
	for _, port := range first {
		if free(port) {
			return port, nil
		}
	}
	return anyPort(free)
}

// anyPort returns a port that is free, from a place that cannot be guessed on.
func anyPort(free func(uint16) bool) (uint16, error) {
	const count = 1<<16 - firstPort
	start := rand.IntN(count)
	for i := range count {
		if port := uint16(firstPort + (start+i)%count); free(port) {
			return port, nil
		}
	}
	return 0, errNoResources
}
