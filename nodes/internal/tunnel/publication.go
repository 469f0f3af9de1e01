package tunnel

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// Protocol is a transport protocol, by its number in an IP header.
type Protocol uint8

// The protocols that are carried.
const (
	TCP Protocol = 6
	UDP Protocol = 17
)

// String returns "tcp" or "udp".
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	}
	return "protocol " + strconv.Itoa(int(p))
}

func parseProtocol(s string) (Protocol, bool) {
	switch s {
	case "tcp":
		return TCP, true
	case "udp":
		return UDP, true
	}
	return 0, false
}

// Publication is a port of the relay that is a client's.
type Publication struct {
	Protocol Protocol
	Port     uint16
}

// String returns "tcp 8080".
func (p Publication) String() string { return fmt.Sprintf("%v %d", p.Protocol, p.Port) }

// Forward is a published port and the server it leads to.
type Forward struct {
	Publication
	Target addr.Remote
}

// ParseForward reads PROTOCOL:PORT=HOST:PORT, as in tcp:8080=127.0.0.1:8080.
func ParseForward(s string) (Forward, error) {
	public, target, ok := strings.Cut(s, "=")
	name, port, ok2 := strings.Cut(public, ":")
	protocol, ok3 := parseProtocol(name)
	if !ok || !ok2 || !ok3 {
		return Forward{}, fmt.Errorf("%q: want PROTOCOL:PORT=TARGET, such as tcp:8080=127.0.0.1:8080", s)
	}
	n, err := parsePort(port)
	if err != nil {
		return Forward{}, fmt.Errorf("%q: %w", s, err)
	}
	f := Forward{Publication: Publication{Protocol: protocol, Port: n}}
	if f.Target, err = addr.ParseRemote(target, n); err != nil {
		return Forward{}, fmt.Errorf("%q: target %w", s, err)
	}
	return f, nil
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %q is not a number from 1 to 65535", s)
	}
	return uint16(n), nil
}

// maxPublications bounds what one client publishes.
const maxPublications = 64

// checkForwards says why forwards cannot be published together.
func checkForwards(forwards []Forward) error {
	if len(forwards) == 0 || len(forwards) > maxPublications {
		return fmt.Errorf("%d ports to publish: want 1 to %d", len(forwards), maxPublications)
	}
	seen := map[Publication]bool{}
	for _, f := range forwards {
		if seen[f.Publication] {
			return fmt.Errorf("%v is to be published twice", f.Publication)
		}
		seen[f.Publication] = true
	}
	return nil
}

// Ports is a set of ports, of one protocol or of both.
type Ports []portRange

type portRange struct {
	protocol    Protocol // 0 for both
	first, last uint16
}

// Unprivileged is every port that needs no privilege on most systems, and that no
// well-known service is expected at.
var Unprivileged = Ports{{first: 1024, last: 65535}}

// ParsePorts reads ranges separated by commas, as in "8000-8999,tcp:22,udp:5353".
func ParsePorts(s string) (Ports, error) {
	var ports Ports
	for _, part := range strings.Split(s, ",") {
		r, err := parseRange(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", s, err)
		}
		ports = append(ports, r)
	}
	return ports, nil
}

func parseRange(s string) (portRange, error) {
	var r portRange
	if name, rest, ok := strings.Cut(s, ":"); ok {
		if r.protocol, ok = parseProtocol(name); !ok {
			return r, fmt.Errorf("%q: want ports such as 8000-8999, tcp:22 or udp:5353", s)
		}
		s = rest
	}
	first, last, ok := strings.Cut(s, "-")
	if !ok {
		last = first
	}
	var err error
	if r.first, err = parsePort(first); err != nil {
		return r, err
	}
	if r.last, err = parsePort(last); err != nil {
		return r, err
	}
	if r.last < r.first {
		return r, fmt.Errorf("%q: the range ends before it begins", s)
	}
	return r, nil
}

// Has reports whether p is in the set.
func (ports Ports) Has(p Publication) bool {
	return slices.ContainsFunc(ports, func(r portRange) bool {
		return (r.protocol == 0 || r.protocol == p.Protocol) && r.first <= p.Port && p.Port <= r.last
	})
}

// String writes the set as ParsePorts reads it.
func (ports Ports) String() string {
	texts := make([]string, len(ports))
	for i, r := range ports {
		if r.protocol != 0 {
			texts[i] = r.protocol.String() + ":"
		}
		texts[i] += strconv.Itoa(int(r.first))
		if r.last != r.first {
			texts[i] += "-" + strconv.Itoa(int(r.last))
		}
	}
	return strings.Join(texts, ",")
}

// at is where p is reached on the relay.
func (p Publication) at(ip netip.Addr) netip.AddrPort { return netip.AddrPortFrom(ip, p.Port) }
