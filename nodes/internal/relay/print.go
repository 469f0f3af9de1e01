package relay

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// tuples are the two 5-tuples of a connection or session: between client and relay,
// and between relay and target.
type tuples struct {
	protocol       Protocol
	client, listen netip.AddrPort
	local, target  netip.AddrPort
}

func (t tuples) near() string { return fmt.Sprintf("%s %s -> %s", t.protocol, t.client, t.listen) }
func (t tuples) far() string  { return fmt.Sprintf("%s %s -> %s", t.protocol, t.local, t.target) }

func (t tuples) nearAttrs() []slog.Attr {
	return []slog.Attr{
		slog.String("protocol", string(t.protocol)),
		slog.Any("client", t.client), slog.Any("listen", t.listen),
	}
}

func (t tuples) attrs() []slog.Attr {
	attrs := t.nearAttrs()
	if t.target.IsValid() {
		attrs = append(attrs, slog.Any("local", t.local), slog.Any("target", t.target))
	}
	return attrs
}

func (r *Relay) printAccepted(t tuples) {
	r.events.Print("accepted", t.near(), t.nearAttrs()...)
}

func (r *Relay) printConnected(t tuples) {
	r.events.Print("connected", t.near()+", "+t.far(), t.attrs()...)
}

// printClosed tells how a connection ended, and what it carried to the target and
// from it.
func (r *Relay) printClosed(t tuples, e end, forth, back carried, took time.Duration) {
	text := fmt.Sprintf("%s after %.2f s: %s forth, %s back, %s", t.near(), took.Seconds(),
		count(forth.bytes(), "byte"), count(back.bytes(), "byte"), e)
	r.events.Print("closed", text, slices.Concat(t.attrs(), []slog.Attr{
		slog.Int64("forth", forth.bytes()), slog.Int64("back", back.bytes()),
		slog.Int64("spliced", forth.spliced+back.spliced),
		slog.Float64("seconds", took.Seconds()),
	}, e.attrs())...)
}

func (r *Relay) printLimited(f Forward, reason string) {
	r.events.Print("limited", fmt.Sprintf("%s %s: %s", f.Protocol, f.listen(), reason),
		slog.String("protocol", string(f.Protocol)), slog.String("listen", f.listen()), slog.String("reason", reason))
}

func (e end) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("why", string(e.why))}
	if e.side != "" {
		attrs = append(attrs, slog.String("side", string(e.side)))
	}
	if e.err != nil {
		attrs = append(attrs, slog.String("error", e.String()))
	}
	return attrs
}

// printSession tells how a UDP session ended, and what it carried.
func (r *Relay) printSession(s *session, e end) {
	took := time.Since(s.began)
	text := fmt.Sprintf("%s after %.2f s: %s forth, %s back, %s", s.tuples.near(), took.Seconds(), &s.forth, &s.back, e)
	r.events.Print("closed", text, slices.Concat(s.tuples.attrs(), []slog.Attr{
		slog.Int64("forth", s.forth.bytes.Load()), slog.Int64("back", s.back.bytes.Load()),
		slog.Int64("forth_datagrams", s.forth.datagrams.Load()), slog.Int64("back_datagrams", s.back.datagrams.Load()),
		slog.Float64("seconds", took.Seconds()),
	}, e.attrs())...)
}

// printTrouble tells of an error that a datagram brought about, and that ends nothing.
func (r *Relay) printTrouble(t tuples, err error) {
	r.events.Print("error", t.far()+": "+errno.Text(err), append(t.attrs(), slog.String("error", errno.Text(err)))...)
}

// count words a number of things: 1 byte, 2 bytes.
func count(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
