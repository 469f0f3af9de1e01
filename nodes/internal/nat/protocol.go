package nat

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Protocol is an IP protocol whose packets are translated with their port. The
// port of an ICMP query is its identifier.
type Protocol uint8

// The protocols, by their numbers in the IP header.
const (
	ICMP   Protocol = unix.IPPROTO_ICMP
	TCP    Protocol = unix.IPPROTO_TCP
	UDP    Protocol = unix.IPPROTO_UDP
	ICMPv6 Protocol = unix.IPPROTO_ICMPV6 // is filtered, not translated
)

// protocols in the order in which rules are written.
var protocols = []Protocol{UDP, TCP, ICMP}

// String returns "icmp", "tcp", "udp" or "icmpv6".
func (p Protocol) String() string {
	switch p {
	case ICMP:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMPv6:
		return "icmpv6"
	}
	return fmt.Sprintf("protocol %d", uint8(p))
}

// MarshalText returns what String does.
func (p Protocol) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (p *Protocol) UnmarshalText(text []byte) error {
	for _, q := range protocols {
		if q.String() == string(text) {
			*p = q
			return nil
		}
	}
	return fmt.Errorf("protocol %q is not translated; write udp, tcp or icmp", text)
}

// states is how many states of the protocol's flows connection tracking knows.
func (p Protocol) states() uint16 {
	switch p {
	case UDP:
		return 2
	case TCP:
		return 11
	}
	return 1
}
