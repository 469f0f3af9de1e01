package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// capture is what to show, and for how long.
type capture struct {
	filter filter
	index  int  // of the only interface; 0: all
	data   bool // only packets that carry something
	layers bool
	count  int // of packets; 0: no end
	until  moment
	path   string // of the file to write; "": none

	talks conversations
	first time.Time     // when the first packet was seen
	since time.Duration // from then to the last one
	shown int
}

// run shows packets until there are enough, or ctx is done.
func (c *capture) run(ctx context.Context, events *node.Events) (err error) {
	c.talks = conversations{}
	s, err := open(c.index)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var out *file
	if c.path != "" {
		if out, err = createFile(c.path); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.close()) }()
	}
	events.Ready("capture of " + c.filter.String())
	q := startQueue(ctx, s)
	err = c.follow(ctx, q, out, events)
	left, queueErr := q.stop()
	if err = errors.Join(err, queueErr); err != nil {
		return err
	}
	lost, err := s.lost()
	if err != nil {
		return err
	}
	if ctx.Err() != nil { // otherwise they came after the last that was wanted
		lost += left
	}
	events.Print("captured", fmt.Sprintf("packets: %d, lost: %d", c.shown, lost), slog.Int("packets", c.shown), slog.Int("lost", lost))
	return nil
}

// follow shows one packet after the other, until there are enough, there are no more,
// or ctx is done.
func (c *capture) follow(ctx context.Context, q *queue, out *file, events *node.Events) error {
	for {
		f, ok := q.next(ctx)
		if !ok {
			return nil
		}
		p := decode(f)
		if !c.wanted(p) {
			continue
		}
		if out != nil {
			if err := out.write(f); err != nil {
				return err
			}
		}
		if c.show(p, events) {
			return nil
		}
	}
}

// wanted tells whether the packet is to be shown. Of a conversation it keeps also those
// that are not: the numbers count from the SYN, which carries nothing.
func (c *capture) wanted(p *packet) bool {
	if !c.filter.match(p) {
		return false
	}
	if p.tcp != nil {
		c.talks.add(p)
	}
	return !c.data || len(p.payload) > 0
}

// show prints a packet, and reports whether it was the last.
func (c *capture) show(p *packet, events *node.Events) (last bool) {
	if c.shown++; c.shown == 1 {
		c.first = p.at
	}
	// The kernel takes a few milliseconds to begin with noting when packets come: until
	// then it notes when they are fetched, which may be after those that follow.
	c.since = max(c.since, p.at.Sub(c.first))
	p.number, p.since = c.shown, c.since
	events.Print("packet", p.line(), p.attrs()...)
	if c.layers {
		for _, l := range p.layers() {
			l.print(events)
		}
	}
	return c.shown == c.count || c.until == fin && p.context.closed
}

// print prints the layer and its fields.
func (l layer) print(events *node.Events) {
	events.Print("layer", l.String(), slog.String("layer", l.name), slog.Int("bytes", l.size))
	for _, f := range l.fields {
		events.Print("field", f.String(), slog.String("layer", l.name),
			slog.String("field", f.name), slog.String("value", f.value), slog.String("meaning", f.meaning))
	}
}

// attrs is the packet as an event of the JSON log.
func (p *packet) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.Int("number", p.number),
		slog.Float64("seconds", p.since.Seconds()),
		slog.String("interface", p.link),
		slog.Bool("outgoing", p.outgoing),
		slog.String("protocol", p.name()),
	}
	if p.err != nil {
		return append(attrs, slog.Any("error", p.err))
	}
	if source, destination := p.addresses(); source.Addr().IsValid() {
		attrs = append(attrs, slog.String("source", text(source)), slog.String("destination", text(destination)))
	}
	if p.tcp != nil {
		c := p.context
		attrs = append(attrs, slog.Any("flags", flagList(p.tcp)), slog.Any("seq", c.seq), slog.Any("ack", c.ack),
			slog.Int("window", c.window), slog.String("note", c.note))
	}
	if m, _, ok := p.icmp(); ok {
		attrs = append(attrs, slog.String("message", m.String()), slog.Any("type", m.Type), slog.Any("code", m.Code))
	}
	for _, c := range p.checksums() {
		attrs = append(attrs, slog.String(c.of+" checksum", string(c.state)))
	}
	return append(attrs, slog.Int("bytes", len(p.payload)), slog.String("payload", string(p.payload)))
}
