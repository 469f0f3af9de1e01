package probe

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Print prints the result, one event a finding.
func (r Result) Print(events *node.Events) {
	all := r.transports()
	for _, t := range all {
		events.Print("observed", fmt.Sprintf("%s %v -> %v", t.name, t.Local, t.Observed),
			slog.String("transport", t.name), slog.Any("local", t.Local), slog.Any("observed", t.Observed),
			slog.Any("observations", t.Observations))
	}
	for _, t := range all {
		events.Print("mapping", t.name+" "+t.mappingText(), slog.String("transport", t.name), slog.Bool("nat", t.NAT), slog.String("mapping", string(t.Mapping)))
	}
	for _, t := range all {
		events.Print("filtering", t.name+" "+string(t.Filtering), slog.String("transport", t.name), slog.String("filtering", string(t.Filtering)))
	}
	if r.UDP != nil && r.UDP.Hairpin != "" {
		events.Print("hairpin", string(r.UDP.Hairpin), slog.String("hairpin", string(r.UDP.Hairpin)))
	}
	printAgreed(events, "ports", all, func(b *Behaviour) string { return string(b.Ports) })
	if r.UDP != nil && r.UDP.Lifetime != nil {
		l := r.UDP.Lifetime
		events.Print("lifetime", "udp "+l.String(), slog.String("transport", "udp"), slog.Any("lifetime", l))
	}
	printAgreed(events, "kind", all, (*Behaviour).kindText)
}

// transport is one of the transports that were measured.
type transport struct {
	name string
	*Behaviour
}

func (r Result) transports() []transport {
	var all []transport
	if r.UDP != nil {
		all = append(all, transport{"udp", &r.UDP.Behaviour})
	}
	if r.TCP != nil {
		all = append(all, transport{"tcp", r.TCP})
	}
	return all
}

// printAgreed prints one event for all transports if they agree, else one for each.
func printAgreed(events *node.Events, event string, all []transport, text func(*Behaviour) string) {
	agreed := true
	for _, t := range all {
		agreed = agreed && text(t.Behaviour) == text(all[0].Behaviour)
	}
	for i, t := range all {
		s := text(t.Behaviour)
		if s == "" || agreed && i > 0 {
			continue
		}
		attrs := []slog.Attr{slog.String(event, s)}
		if !agreed {
			attrs = append(attrs, slog.String("transport", t.name))
			s = t.name + " " + s
		}
		events.Print(event, s, attrs...)
	}
}

func (b *Behaviour) mappingText() string {
	if b.NAT {
		return string(b.Mapping)
	}
	return "none: no NAT, the observed address is the host's own"
}

func (b *Behaviour) kindText() string {
	switch {
	case !b.NAT && b.Filtering == FilterEndpointIndependent:
		return "no NAT, and no firewall that filters by endpoint"
	case !b.NAT:
		return fmt.Sprintf("no NAT, but a firewall: %s filtering", b.Filtering)
	}
	s := fmt.Sprintf("%s mapping, %s filtering", b.Mapping, b.Filtering)
	if b.RFC3489 != "" {
		s += fmt.Sprintf(" (RFC 3489: %s)", b.RFC3489)
	}
	return s
}

// String writes the two ages, rounded away from each other.
func (l *Lifetime) String() string {
	const tenth = time.Second / 10
	low := seconds(l.AtLeast.Truncate(tenth))
	if l.Below == 0 {
		return "more than " + low
	}
	return fmt.Sprintf("between %s and %s", low, seconds((l.Below + tenth - 1).Truncate(tenth)))
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// printAlive tells how far a search is.
func printAlive(events *node.Events, age time.Duration) {
	events.Print("alive", "udp after "+seconds(age), slog.String("transport", "udp"), slog.Float64("seconds", age.Seconds()))
}
