package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// printRefused tells of a client that was not let in.
func (r *Relay) printRefused(ctx context.Context, from netip.AddrPort, err error) {
	if ctx.Err() != nil {
		return // the relay is to stop
	}
	attrs := []slog.Attr{slog.Any("client", from), slog.String("reason", err.Error())}
	if e := new(refusedError); errors.As(err, &e) {
		attrs = append(attrs, slog.String("why", e.status.String()))
	}
	r.events.Print("refused", fmt.Sprintf("%v: %v", from, err), attrs...)
}

func (r *Relay) printPublished(a *attached) {
	for _, l := range a.listeners {
		p := publicationOf(l)
		r.events.Print("published", fmt.Sprintf("%v %v for %v", p.Protocol, l.at(), a.from),
			slog.String("protocol", p.Protocol.String()), slog.Any("listen", l.at()), slog.Any("client", a.from))
	}
}

func publicationOf(l publisher) Publication {
	switch l := l.(type) {
	case *tcpPublisher:
		return l.port
	case *udpPublisher:
		return l.port
	}
	return Publication{}
}

func (r *Relay) printLeft(a *attached, err error) {
	took := time.Since(a.began)
	r.events.Print("left", fmt.Sprintf("%v after %.2f s: %s", a.from, took.Seconds(), reasonOf(a, err)),
		slog.Any("client", a.from), portAttrs(a.ports), slog.Float64("seconds", took.Seconds()), slog.String("reason", reasonOf(a, err)))
}

func near(o opening) string { return fmt.Sprintf("%v %v -> %v", o.Protocol, o.source, o.dialed) }

func (o opening) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("protocol", o.Protocol.String()), slog.Any("source", o.source), slog.Any("listen", o.dialed),
	}
}

func (r *Relay) printAccepted(a *attached, o opening) {
	r.events.Print("accepted", fmt.Sprintf("%s, by %v", near(o), a.from), append(o.attrs(), slog.Any("client", a.from))...)
}

// printClosed tells how an outside connection ended, and what it carried inward and
// back.
func (r *Relay) printClosed(a *attached, o opening, e end, forth, back int64, took time.Duration) {
	r.events.Print("closed", closedText(o, e, forth, back, took), slices.Concat(o.attrs(), closedAttrs(e, forth, back, took))...)
}

func closedText(o opening, e end, forth, back int64, took time.Duration) string {
	return fmt.Sprintf("%s after %.2f s: %s forth, %s back, %s", near(o), took.Seconds(), count(forth, "byte"), count(back, "byte"), e)
}

func closedAttrs(e end, forth, back int64, took time.Duration) []slog.Attr {
	return append([]slog.Attr{
		slog.Int64("forth", forth), slog.Int64("back", back), slog.Float64("seconds", took.Seconds()),
	}, e.attrs()...)
}

// printSession tells how a UDP session ended, and what it carried.
func (r *Relay) printSession(s *udpSession, o opening, e end) {
	took := time.Since(s.began)
	text := fmt.Sprintf("%s after %.2f s: %s forth, %s back, %s", near(o), took.Seconds(), &s.forth, &s.back, e)
	if n := s.dropped.Load(); n > 0 {
		text += fmt.Sprintf("; %s dropped", count(n, "datagram"))
	}
	r.events.Print("closed", text, slices.Concat(o.attrs(), closedAttrs(e, s.forth.bytes.Load(), s.back.bytes.Load(), took), []slog.Attr{
		slog.Int64("forth_datagrams", s.forth.datagrams.Load()), slog.Int64("back_datagrams", s.back.datagrams.Load()),
		slog.Int64("dropped", s.dropped.Load()),
	})...)
}

func (r *Relay) printLimited(l *udpPublisher) {
	r.events.Print("limited", fmt.Sprintf("udp %v: %d sessions (--max-sessions); datagrams of others are dropped", l.at(), r.options.MaxSessions),
		slog.Any("listen", l.at()))
}

// count words a number of things: 1 byte, 2 bytes.
func count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// printNotAccepted tells that the kernel had no connection to give.
func (r *Relay) printNotAccepted(err error) {
	r.events.Print("failed", err.Error())
}
