package probe

import "net/netip"

// Result is what a probe has found. It is what client probe nat --json prints.
type Result struct {
	Server    netip.AddrPort `json:"server"`    // that was asked
	Alternate netip.AddrPort `json:"alternate"` // its other address with its other port
	UDP       *UDP           `json:"udp,omitempty"`
	TCP       *Behaviour     `json:"tcp,omitempty"`
	Seconds   float64        `json:"seconds"` // that the probe took
}

// UDP is what was found for UDP.
type UDP struct {
	Behaviour

	Hairpin  Hairpin   `json:"hairpin,omitempty"`  // empty without a NAT
	Lifetime *Lifetime `json:"lifetime,omitempty"` // nil if it was not searched for
}

// Behaviour is what is found for every transport.
type Behaviour struct {
	Local        netip.AddrPort `json:"local"`
	Observed     netip.AddrPort `json:"observed"`     // of Local, by Server
	Observations []Observation  `json:"observations"` // of Local, from which Mapping follows

	NAT       bool      `json:"nat"`               // false: observed as it is
	Mapping   Mapping   `json:"mapping,omitempty"` // empty without a NAT
	Filtering Filtering `json:"filtering"`         // without a NAT: of a firewall
	Ports     Ports     `json:"ports,omitempty"`   // empty without a NAT
	RFC3489   string    `json:"rfc3489,omitempty"` // the kind's old name, if it has one
}

// Observation is under which transport address a server sees the probe.
type Observation struct {
	By       netip.AddrPort `json:"by"`
	Observed netip.AddrPort `json:"observed"`
}

// conclude fills in what follows from the observations and the filtering.
func (b *Behaviour) conclude(f Filtering) {
	b.Filtering = f
	b.Observed = b.Observations[0].Observed
	for _, o := range b.Observations {
		b.NAT = b.NAT || o.Observed != b.Local
	}
	if !b.NAT {
		return
	}
	b.Mapping = mappingOf(b.Observations)
	b.RFC3489 = rfc3489(b.Mapping, f)
}

// mappingOf compares what the server sees at its primary address, at the alternate
// address with the primary port, and at the alternate address with the alternate port
// (RFC 5780 section 4.3).
func mappingOf(o []Observation) Mapping {
	switch {
	case o[1].Observed == o[0].Observed:
		return MapEndpointIndependent
	case o[2].Observed == o[1].Observed:
		return MapAddressDependent
	}
	return MapAddressAndPortDependent
}
