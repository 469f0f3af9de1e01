package router

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// State is what a router does, as the kernel has it.
type State struct {
	Addresses  []ShownAddress `json:"addresses"`
	Routes     []ShownRoute   `json:"routes"`
	Forwarding bool           `json:"forwarding"` // of IPv4 packets
	Translation
}

// ShownAddress is an address and its interface.
type ShownAddress struct {
	Address   netip.Prefix `json:"address"`
	Interface string       `json:"interface"`
}

// ShownRoute is a route of the main table.
type ShownRoute struct {
	To        netip.Prefix `json:"to"`
	Kind      Kind         `json:"kind"`
	Via       *netip.Addr  `json:"via,omitempty"` // the next router; none in the node's own networks
	Interface string       `json:"interface,omitempty"`
}

// ReadState asks the kernel.
func ReadState() (State, error) {
	k, err := readKernel()
	if err != nil {
		return State{}, err
	}
	s := State{Addresses: []ShownAddress{}, Routes: []ShownRoute{}, Forwarding: forwarding(sysctlForward4)}
	if s.Translation, err = readTranslation(); err != nil {
		return State{}, err
	}
	for _, a := range k.addresses {
		s.Addresses = append(s.Addresses, ShownAddress{a.prefix, k.links[a.link].Attrs().Name})
	}
	for _, r := range k.routes {
		to, kind, ok := target(r)
		if !ok {
			continue
		}
		shown := ShownRoute{To: to, Kind: kind}
		if via := gateway(r); via.IsValid() {
			shown.Via = &via
		}
		if link, ok := k.links[r.LinkIndex]; ok && kind == Unicast {
			shown.Interface = link.Attrs().Name
		}
		s.Routes = append(s.Routes, shown)
	}
	slices.SortFunc(s.Routes, func(a, b ShownRoute) int {
		return cmp.Or(a.To.Addr().Compare(b.To.Addr()), cmp.Compare(a.To.Bits(), b.To.Bits()))
	})
	return s, nil
}

// print shows the state as events.
func (s State) print(events *node.Events) {
	for _, a := range s.Addresses {
		events.Print("address", fmt.Sprintf("%v on %s", a.Address, a.Interface), slog.Any("address", a.Address), slog.String("interface", a.Interface))
	}
	for _, r := range s.Routes {
		events.Print("route", r.text(), slog.Any("to", r.To), slog.String("kind", string(r.Kind)), slog.Any("via", r.Via), slog.String("interface", r.Interface))
	}
	word := "off"
	if s.Forwarding {
		word = "on"
	}
	events.Print("forwarding", word, slog.Bool("on", s.Forwarding))
	s.Translation.print(events)
}

func (r ShownRoute) text() string {
	switch {
	case r.Kind != Unicast:
		return fmt.Sprintf("%v %s", r.To, r.Kind)
	case r.Via != nil:
		return fmt.Sprintf("%v via %v on %s", r.To, r.Via, r.Interface)
	default:
		return fmt.Sprintf("%v on %s", r.To, r.Interface)
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
