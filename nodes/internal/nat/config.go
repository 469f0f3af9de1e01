package nat

import "net/netip"

// Config is what a NAT is told. The zero value of each kind is the default of RFC
// 4787: endpoint-independent mapping and filtering, preserved ports.
type Config struct {
	// Inside are the subnets that are translated. Each is on an interface.
	Inside []netip.Prefix `json:"inside"`

	// Outside is a subnet, or an address, of the interface to the outside.
	Outside netip.Prefix `json:"outside"`

	// OutsideAddrs are the addresses to translate to, all on the outside
	// interface: by default its first one in Outside. Of several, an inside
	// address always gets the same one ("paired", RFC 4787 REQ-2).
	OutsideAddrs []netip.Addr `json:"outside_addrs,omitempty"`

	Mapping    Mapping    `json:"mapping"`
	Filtering  Filtering  `json:"filtering"`
	Permission Permission `json:"permission"`
	Ports      Ports      `json:"ports"`

	// Hairpin lets inside hosts reach each other by their outside transport
	// addresses, under the same filtering as the outside (RFC 4787 REQ-9).
	// Without it, such packets are for the router itself.
	Hairpin bool `json:"hairpin"`

	Lifetimes Lifetimes `json:"lifetimes"`

	// RefreshInbound lets packets from outside refresh a UDP mapping as well
	// (RFC 4787 REQ-6a). TCP answers, which refreshes anyway.
	RefreshInbound bool `json:"refresh_inbound"`

	Forwards []Forward `json:"forwards,omitempty"`

	// Untranslated are destinations outside to which the inside goes by its own
	// addresses, and which answer (RFC 6888 REQ-6).
	Untranslated []netip.Prefix `json:"untranslated,omitempty"`

	// HostMappings is how many flows that made a mapping of their own an inside
	// host may have at once, or 0 for as many as there are ports (RFC 6888
	// REQ-4).
	HostMappings int `json:"host_mappings,omitempty"`
}

// Default is a Config that wants nothing but its two sides.
func Default() Config {
	return Config{Hairpin: true, Lifetimes: DefaultLifetimes()}
}
