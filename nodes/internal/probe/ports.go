package probe

import "net/netip"

// Ports is how the outside port of a mapping comes about (RFC 4787 section 4.2).
type Ports string

const (
	PortsPreserved    Ports = "preserved"        // every one is the inside port
	PortsPartly       Ports = "partly preserved" // some are
	PortsSequential   Ports = "sequential"       // none is, and each follows the last
	PortsNotPreserved Ports = "not preserved"    // none is
)

// mapped is a socket's transport address on both sides of the NAT.
type mapped struct{ local, observed netip.AddrPort }

// maxStep is how far apart two ports may be that a NAT gave out one after the other:
// other hosts may have got some in between.
const maxStep = 16

// portsOf compares the ports of mappings with those of their sockets, in the order in
// which they were made.
func portsOf(all []mapped) Ports {
	same, steps := 0, 0
	for i, m := range all {
		if m.local.Port() == m.observed.Port() {
			same++
		}
		if i > 0 && follows(m.observed.Port(), all[i-1].observed.Port()) {
			steps++
		}
	}
	switch {
	case same == len(all):
		return PortsPreserved
	case same > 0:
		return PortsPartly
	case len(all) > 2 && steps == len(all)-1:
		return PortsSequential
	}
	return PortsNotPreserved
}

func follows(port, last uint16) bool { return port > last && port-last <= maxStep }
