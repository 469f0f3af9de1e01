package probe

// Mapping is a NAT's mapping behaviour (RFC 4787 section 4.1), spelled as in package
// nat. It is empty where there is no NAT.
type Mapping string

// Filtering is the filtering behaviour of a NAT or a firewall (RFC 4787 section 5),
// spelled as in package nat.
type Filtering string

const (
	MapEndpointIndependent     Mapping = "endpoint-independent"
	MapAddressDependent        Mapping = "address-dependent"
	MapAddressAndPortDependent Mapping = "address-and-port-dependent"

	FilterEndpointIndependent     Filtering = "endpoint-independent"
	FilterAddressDependent        Filtering = "address-dependent"
	FilterAddressAndPortDependent Filtering = "address-and-port-dependent"
)

// rfc3489 returns the name that RFC 3489 section 5 has for a kind, or nothing: it
// knows four of the nine.
func rfc3489(m Mapping, f Filtering) string {
	switch {
	case m == MapEndpointIndependent && f == FilterEndpointIndependent:
		return "full cone"
	case m == MapEndpointIndependent && f == FilterAddressDependent:
		return "restricted cone"
	case m == MapEndpointIndependent && f == FilterAddressAndPortDependent:
		return "port restricted cone"
	case m == MapAddressAndPortDependent && f == FilterAddressAndPortDependent:
		return "symmetric"
	}
	return ""
}
