package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A declaration says what kind of NAT a router is, by RFC 4787's names, and how to
// prove it: measured from a node behind it that has our client, with a STUN server
// of two addresses (RFC 5780).
//
//	x-crosslan:
//	  nat: {mapping: endpoint-independent, filtering: address-dependent, from: host-a, stun: "198.18.7.10:3478"}
type declaration struct {
	Mapping, Filtering string
	From, STUN         string
}

// behaviours are the names of RFC 4787 sections 4.1 and 5.
var behaviours = []string{"endpoint-independent", "address-dependent", "address-and-port-dependent"}

func parseDeclaration(value any) (*declaration, error) {
	m, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: nat must be a mapping", extensionKey)
	}
	var d declaration
	fields := map[string]*string{"mapping": &d.Mapping, "filtering": &d.Filtering, "from": &d.From, "stun": &d.STUN}
	for key, v := range m {
		field, known := fields[key]
		text, isText := v.(string)
		if !known || !isText {
			return nil, fmt.Errorf("%s: nat: %s: %v is not known; it has mapping, filtering, from and stun", extensionKey, key, v)
		}
		*field = text
	}
	for _, key := range []string{"mapping", "filtering"} {
		if !slices.Contains(behaviours, *fields[key]) {
			return nil, fmt.Errorf("%s: nat: %s %q does not exist; write %s", extensionKey, key, *fields[key], strings.Join(behaviours, ", "))
		}
	}
	if d.From == "" || d.STUN == "" {
		return nil, fmt.Errorf("%s: nat: name from (a node behind it) and stun (a server's address)", extensionKey)
	}
	return &d, nil
}

// prove measures every router that declares a kind of NAT. One that measures as
// another is an error: the lab would teach something that is not so.
func (l *Lab) prove(ctx context.Context) error {
	for _, n := range l.topology.Nodes {
		if n.ext.NAT == nil {
			continue
		}
		if err := l.proveNAT(ctx, *n.ext.NAT); err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	return nil
}

func (l *Lab) proveNAT(ctx context.Context, d declaration) error {
	r, err := l.Node(d.From).Exec(ctx, "client", "probe", "nat", d.STUN, "--json")
	if err != nil {
		return fmt.Errorf("measure the NAT: %w", err)
	}
	if r.ExitCode != 0 {
		return fmt.Errorf("measure the NAT from %s: %s", d.From, strings.TrimSpace(r.Stderr))
	}
	type kind struct{ Mapping, Filtering string }
	var measured struct{ UDP, TCP kind }
	if err := json.Unmarshal([]byte(r.Stdout), &measured); err != nil {
		return fmt.Errorf("read what %s measured: %w", d.From, err)
	}
	declared := kind{d.Mapping, d.Filtering}
	for transport, found := range map[string]kind{"UDP": measured.UDP, "TCP": measured.TCP} {
		if found != declared {
			return fmt.Errorf("it declares %s mapping and %s filtering, and measures for %s as %s mapping and %s filtering",
				declared.Mapping, declared.Filtering, transport, found.Mapping, found.Filtering)
		}
	}
	return nil
}
