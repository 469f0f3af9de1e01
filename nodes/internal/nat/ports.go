package nat

// Ports says how a new mapping gets its outside port (RFC 4787 section 4.2). No two
// mappings of one protocol and outside address ever share one (REQ-3).
type Ports uint8

const (
	// PreservePorts takes the inside port where it is free, and else a random one
	// of the same parity (REQ-4) and the same side of 1024 (REQ-3a).
	PreservePorts Ports = iota

	// RandomPorts never asks for the inside port: the outside port cannot be
	// guessed. Parity and side of 1024 are kept.
	RandomPorts

	// SequentialPorts counts upwards from 1024: the next mapping's outside port
	// can be guessed from the last.
	SequentialPorts
)

var portKinds = kind{"port preservation", []string{"preserve", "random", "sequential"}}

// String returns "preserve", "random" or "sequential".
func (p Ports) String() string { return portKinds.text(uint8(p)) }

// MarshalText returns what String does.
func (p Ports) MarshalText() ([]byte, error) { return []byte(p.String()), portKinds.valid(uint8(p)) }

// UnmarshalText reads what MarshalText writes.
func (p *Ports) UnmarshalText(text []byte) error {
	i, err := portKinds.parse(text)
	if err == nil {
		*p = Ports(i)
	}
	return err
}
