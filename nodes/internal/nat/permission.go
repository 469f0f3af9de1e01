package nat

// Permission says what a permission to come in belongs to, under the two
// filterings that ask for one.
type Permission uint8

const (
	// PermitByMapping lets a remote in by the mapping over which the inside has
	// sent to it, and by no other, as NATs built on Linux do.
	PermitByMapping Permission = iota

	// PermitByEndpoint lets a remote in by every mapping of an inside transport
	// address that has sent to it over any: RFC 4787 section 5 words filtering so.
	// Under a mapping that is not endpoint-independent, more pairs of hosts reach
	// one another.
	PermitByEndpoint
)

var permissions = kind{"permission", []string{"mapping", "endpoint"}}

// String returns "mapping" or "endpoint".
func (p Permission) String() string { return permissions.text(uint8(p)) }

// MarshalText returns what String does.
func (p Permission) MarshalText() ([]byte, error) {
	return []byte(p.String()), permissions.valid(uint8(p))
}

// UnmarshalText reads what MarshalText writes.
func (p *Permission) UnmarshalText(text []byte) error {
	i, err := permissions.parse(text)
	if err == nil {
		*p = Permission(i)
	}
	return err
}
