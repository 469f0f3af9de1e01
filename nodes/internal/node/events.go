package node

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// Events prints what happens in a node, one line an event, for people or as
// JSON. Its methods may be called concurrently; every call is one Write.
type Events struct {
	mu     sync.Mutex
	w      io.Writer
	format Format
	ready  sync.Once
}

// NewEvents returns Events that are written to w in the given format.
func NewEvents(w io.Writer, format Format) *Events {
	return &Events{w: w, format: format}
}

// Print prints an event. In the readable form it is the event's name, padded to
// ten columns, and text; characters that would break the line or steer a
// terminal are escaped, since text may come from the network. In JSON it is an
// object of time, event and attrs, or of time, event and text if there are no
// attrs.
func (e *Events) Print(event, text string, attrs ...slog.Attr) {
	if e.format == JSON {
		if len(attrs) == 0 && text != "" {
			attrs = []slog.Attr{slog.String("text", text)}
		}
		e.printJSON(event, attrs)
		return
	}
	line := strings.TrimRight(fmt.Sprintf("%-10s %s", event, Printable(text)), " ")
	e.write(line + "\n")
}

// Ready prints the event "ready", by which others know that the node can be
// used. Only the first call prints.
func (e *Events) Ready(text string, attrs ...slog.Attr) {
	e.ready.Do(func() { e.Print("ready", text, attrs...) })
}

// Narrate prints a paragraph between events: an empty line, then text. In JSON it
// is the event "narration".
func (e *Events) Narrate(text string) {
	if e.format == JSON {
		e.Line("narration", text)
		return
	}
	e.write("\n" + text + "\n")
}

// Line prints text alone on a line, without the name of the event, which is for
// JSON. It is for what is a line of its own right, such as a command's.
func (e *Events) Line(event, text string) {
	if e.format == JSON {
		e.printJSON(event, []slog.Attr{slog.String("text", text)})
		return
	}
	e.write(text + "\n")
}

// Format returns the form in which e prints.
func (e *Events) Format() Format { return e.format }

// write writes a whole line. That the reader of the log is gone must not end a
// node, so the error is dropped, as the standard library's loggers do.
func (e *Events) write(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = io.WriteString(e.w, line)
}

// printJSON hands the event to slog, whose handler knows how to encode every
// kind of attribute.
func (e *Events) printJSON(event string, attrs []slog.Attr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := slog.NewJSONHandler(e.w, &slog.HandlerOptions{ReplaceAttr: eventKeys})
	slog.New(h).LogAttrs(context.Background(), slog.LevelInfo, event, attrs...)
}

// eventKeys renames the keys that slog gives every record.
func eventKeys(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		return slog.Attr{}
	case slog.MessageKey:
		a.Key = "event"
	}
	return a
}

type eventsKey struct{}

// With returns a context that carries e.
func With(ctx context.Context, e *Events) context.Context {
	return context.WithValue(ctx, eventsKey{}, e)
}

// From returns the Events that ctx carries. If it carries none, what is printed
// goes nowhere.
func From(ctx context.Context) *Events {
	if e, ok := ctx.Value(eventsKey{}).(*Events); ok {
		return e
	}
	return NewEvents(io.Discard, Text)
}
