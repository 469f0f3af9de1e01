package stun

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// journal prints what the server does, and counts.
type journal struct {
	events *node.Events
	quiet  bool

	answers, refusals, malformed, unexpected atomic.Int64
}

func newJournal(events *node.Events, quiet bool) *journal {
	return &journal{events: events, quiet: quiet}
}

// answered says what was asked, and answered.
func (j *journal) answered(transport string, c Config, q question, a answer) {
	event := "answered"
	if a.refusal == "" {
		j.answers.Add(1)
	} else {
		j.refusals.Add(1)
		event = "refused"
	}
	if j.quiet {
		return
	}
	text := fmt.Sprintf("%s %v -> %v", transport, q.from, c.at(q.at))
	attrs := []slog.Attr{slog.String("transport", transport), slog.Any("remote", q.from), slog.Any("local", c.at(q.at))}
	switch {
	case a.refusal != "":
		text += ": " + a.refusal
		attrs = append(attrs, slog.String("error", a.refusal))
	case a.from != q.at || a.to != q.from:
		text += fmt.Sprintf(" by %v -> %v", c.at(a.from), a.to)
		attrs = append(attrs, slog.Any("from", c.at(a.from)), slog.Any("to", a.to))
	}
	j.events.Print(event, text, attrs...)
}

// ignored says what was not answered, and why.
func (j *journal) ignored(transport string, q question, local netip.AddrPort, err error) {
	if errors.Is(err, errMalformed) {
		j.malformed.Add(1)
	} else {
		j.unexpected.Add(1)
	}
	if j.quiet {
		return
	}
	j.events.Print("ignored", fmt.Sprintf("%s %v -> %v: %v", transport, q.from, local, err),
		slog.String("transport", transport), slog.Any("remote", q.from), slog.Any("local", local),
		slog.Int("bytes", len(q.raw)), slog.Any("error", err))
}

// failed says that a call failed that has no client, or whose client is served on.
func (j *journal) failed(err error) {
	j.events.Print("error", "stun "+err.Error(), slog.String("service", "stun"), slog.Any("error", err))
}

// stopped prints what was counted.
func (j *journal) stopped() {
	answers, refusals, malformed, unexpected := j.answers.Load(), j.refusals.Load(), j.malformed.Load(), j.unexpected.Load()
	j.events.Print("stopped", fmt.Sprintf("stun %d answered, %d refused, %d malformed, %d unexpected", answers, refusals, malformed, unexpected),
		slog.String("service", "stun"), slog.Int64("answered", answers), slog.Int64("refused", refusals),
		slog.Int64("malformed", malformed), slog.Int64("unexpected", unexpected))
}
