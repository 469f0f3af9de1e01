package nat

// Mapping says when two flows from one inside transport address leave by the same
// outside transport address (RFC 4787 section 4.1).
type Mapping uint8

const (
	// MapEndpointIndependent keeps one outside transport address for an inside
	// one, whoever it talks to. What one server observed is valid for every peer,
	// so hole punching works. RFC 4787 REQ-1 demands it.
	MapEndpointIndependent Mapping = iota

	// MapAddressDependent gives an inside transport address another outside one
	// for each remote IP address. What a server observed is of no use to a peer
	// at another address.
	MapAddressDependent

	// MapAddressAndPortDependent gives an inside transport address another
	// outside one for each remote transport address: even two services of one
	// server observe different ports.
	MapAddressAndPortDependent
)

var mappings = kind{"mapping", []string{"endpoint-independent", "address-dependent", "address-and-port-dependent"}}

// String returns RFC 4787's name in lower case, such as "endpoint-independent".
func (m Mapping) String() string { return mappings.text(uint8(m)) }

// MarshalText returns what String does.
func (m Mapping) MarshalText() ([]byte, error) { return []byte(m.String()), mappings.valid(uint8(m)) }

// UnmarshalText reads what MarshalText writes.
func (m *Mapping) UnmarshalText(text []byte) error {
	i, err := mappings.parse(text)
	if err == nil {
		*m = Mapping(i)
	}
	return err
}
