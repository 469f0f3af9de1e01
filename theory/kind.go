package theory

import (
	"encoding"
	"fmt"
	"slices"
)

// Mapping says when two flows from one inside transport address leave by the same
// outside transport address (RFC 4787 section 4.1).
type Mapping uint8

// The mappings, from the one that helps peers most to the one that hides most.
const (
	MapEndpointIndependent Mapping = iota
	MapAddressDependent
	MapAddressAndPortDependent
)

// Filtering says who, beyond the NAT, may send to a mapping's outside transport
// address (RFC 4787 section 5).
type Filtering uint8

// The filterings, from the one that lets most in to the one that lets least in.
const (
	FilterEndpointIndependent Filtering = iota
	FilterAddressDependent
	FilterAddressAndPortDependent
)

// A Kind of NAT is how it maps and how it filters.
type Kind struct {
	Mapping   Mapping   `json:"mapping"`
	Filtering Filtering `json:"filtering"`
}

// Kinds returns the nine kinds of RFC 4787, mapping by mapping.
func Kinds() []Kind {
	var kinds []Kind
	for m := range Mapping(len(words)) {
		for f := range Filtering(len(words)) {
			kinds = append(kinds, Kind{m, f})
		}
	}
	return kinds
}

// String returns both names, such as "endpoint-independent mapping,
// address-dependent filtering".
func (k Kind) String() string { return fmt.Sprintf("%v mapping, %v filtering", k.Mapping, k.Filtering) }

// Short returns the initials of both, such as "EI/AD".
func (k Kind) Short() string {
	initials := []string{"EI", "AD", "APD"}
	return initials[k.Mapping] + "/" + initials[k.Filtering]
}

// words are RFC 4787's, for either axis.
var words = []string{"endpoint-independent", "address-dependent", "address-and-port-dependent"}

// String returns RFC 4787's name, in lower case.
func (m Mapping) String() string { return words[m] }

// String returns RFC 4787's name, in lower case.
func (f Filtering) String() string { return words[f] }

// MarshalText returns what String does.
func (m Mapping) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// MarshalText returns what String does.
func (f Filtering) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (m *Mapping) UnmarshalText(text []byte) error {
	i, err := parse("mapping", text)
	if err == nil {
		*m = Mapping(i)
	}
	return err
}

// UnmarshalText reads what MarshalText writes.
func (f *Filtering) UnmarshalText(text []byte) error {
	i, err := parse("filtering", text)
	if err == nil {
		*f = Filtering(i)
	}
	return err
}

var (
	_ encoding.TextUnmarshaler = (*Mapping)(nil)
	_ encoding.TextUnmarshaler = (*Filtering)(nil)
)

func parse(what string, text []byte) (int, error) {
	i := slices.Index(words, string(text))
	if i < 0 {
		return 0, fmt.Errorf("%s %q does not exist; write %s, %s or %s", what, text, words[0], words[1], words[2])
	}
	return i, nil
}
