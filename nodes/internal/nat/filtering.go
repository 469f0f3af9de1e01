package nat

// Filtering says who, beyond the NAT, may send to a mapping's outside transport
// address (RFC 4787 section 5).
type Filtering uint8

const (
	// FilterEndpointIndependent lets everybody in who knows the outside transport
	// address.
	FilterEndpointIndependent Filtering = iota

	// FilterAddressDependent lets in who has the IP address of somebody that the
	// inside has sent to, from any port.
	FilterAddressDependent

	// FilterAddressAndPortDependent lets in only transport addresses that the
	// inside has sent to.
	FilterAddressAndPortDependent
)

var filterings = kind{"filtering", []string{"endpoint-independent", "address-dependent", "address-and-port-dependent"}}

// String returns RFC 4787's name in lower case, such as "address-dependent".
func (f Filtering) String() string { return filterings.text(uint8(f)) }

// MarshalText returns what String does.
func (f Filtering) MarshalText() ([]byte, error) {
	return []byte(f.String()), filterings.valid(uint8(f))
}

// UnmarshalText reads what MarshalText writes.
func (f *Filtering) UnmarshalText(text []byte) error {
	i, err := filterings.parse(text)
	if err == nil {
		*f = Filtering(i)
	}
	return err
}
