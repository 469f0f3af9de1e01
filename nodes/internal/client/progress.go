package client

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// progress shows how far a transfer is: a bar on a terminal, otherwise an event for
// each tenth.
type progress struct {
	events *node.Events
	bar    io.Writer // nil if there is no terminal
	size   int64
	tenths int64 // shown so far
}

// smallFile is the size below which only the end is an event.
const smallFile = 1 << 20

func newProgress(e *node.Events, out io.Writer, size int64) *progress {
	p := &progress{events: e, size: size}
	if f, ok := out.(*os.File); ok && e.Format() == node.Text && term.IsTerminal(int(f.Fd())) {
		p.bar = f
	}
	return p
}

// add is told how many bytes there are by now.
func (p *progress) add(done int64) {
	tenths := done * 10 / p.size
	if p.bar != nil {
		p.draw(done, tenths)
		return
	}
	if p.size < smallFile && tenths < 10 {
		return
	}
	if p.size < smallFile {
		p.tenths = 9
	}
	for p.tenths < tenths {
		p.tenths++
		p.events.Print("progress", fmt.Sprintf("%3d %% of %d bytes", 10*p.tenths, p.size),
			slog.Int64("percent", 10*p.tenths), slog.Int64("bytes", p.size))
	}
}

// draw draws the bar again when it has changed, and ends its line when it is full.
func (p *progress) draw(done, tenths int64) {
	if tenths == p.tenths && done < p.size {
		return
	}
	p.tenths = tenths
	bar := strings.Repeat("#", int(tenths)) + strings.Repeat(".", 10-int(tenths))
	fmt.Fprintf(p.bar, "\r%-10s [%s] %3d %% of %d bytes", "progress", bar, 10*tenths, p.size)
	if done == p.size {
		fmt.Fprintln(p.bar)
	}
}
