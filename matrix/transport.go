package matrix

import "fmt"

// Transport is what is punched with.
type Transport string

// The transports.
const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
)

// ParseTransport reads "udp" or "tcp".
func ParseTransport(s string) (Transport, error) {
	switch t := Transport(s); t {
	case UDP, TCP:
		return t, nil
	}
	return "", fmt.Errorf("transport %q does not exist; write udp or tcp", s)
}

// Scenario is the one in whose lab the transport is measured.
func (t Transport) Scenario() string { return "hole-punch-" + string(t) }
