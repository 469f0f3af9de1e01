package node

import "fmt"

// Format is the form in which events are printed. It is a pflag.Value.
type Format string

const (
	Text Format = "text" // a readable line an event
	JSON Format = "json" // a JSON object a line
)

// String returns the format's name.
func (f *Format) String() string { return string(*f) }

// Set sets the format by name.
func (f *Format) Set(name string) error {
	switch v := Format(name); v {
	case Text, JSON:
		*f = v
		return nil
	}
	return fmt.Errorf("no such format; choose %s or %s", Text, JSON)
}

// Type is the word for the value in a flag's help.
func (f *Format) Type() string { return "text|json" }
