package probe

import (
	"encoding/json"
	"time"
)

// Lifetime is how long a mapping outlives the last packet from inside.
type Lifetime struct {
	AtLeast time.Duration // a mapping was seen alive at this age
	Below   time.Duration // and one gone at this; 0: none, as far as was searched
}

// lifetimeJSON is a Lifetime in seconds.
type lifetimeJSON struct {
	AtLeast float64 `json:"at_least_seconds"`
	Below   float64 `json:"below_seconds,omitempty"`
}

// MarshalJSON writes seconds.
func (l Lifetime) MarshalJSON() ([]byte, error) {
	return json.Marshal(lifetimeJSON{l.AtLeast.Seconds(), l.Below.Seconds()})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Lifetime) UnmarshalJSON(b []byte) error {
	var s lifetimeJSON
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*l = Lifetime{duration(s.AtLeast), duration(s.Below)}
	return nil
}

func duration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second)).Round(time.Microsecond)
}
