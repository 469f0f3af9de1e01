package punch

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// print prints the path that came about.
func (p *Path) print(e *node.Events) {
	took := p.Took.Round(time.Millisecond / 10)
	word, text := "direct", fmt.Sprintf("direct %v -> %v", p.Local, p.Peer)
	attrs := []slog.Attr{
		slog.String("transport", p.Transport), slog.Any("local", p.Local), slog.Any("peer", p.Peer),
		slog.Int("tries", p.Tries), slog.Float64("milliseconds", float64(took.Microseconds())/1000),
	}
	if p.Relay.IsValid() {
		word = "relayed"
		text = fmt.Sprintf("relayed %v -> %v (relay) -> %v", p.Local, p.Relay, p.Peer)
		attrs = append(attrs, slog.Any("relay", p.Relay))
	}
	e.Print("path", fmt.Sprintf("%s (%s, %s, %v)", text, p.Transport, count(p.Tries), took),
		append([]slog.Attr{slog.String("path", word)}, attrs...)...)
}

func count(tries int) string {
	if tries == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", tries)
}
