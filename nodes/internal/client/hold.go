package client

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// maxHeld is how many connections hold opens at most: fewer than a process has
// descriptors, and than a client has ports.
const maxHeld = 10_000

func holdCommand() *cobra.Command {
	var count int
	d := &dialogue{service: "hold", port: 8009}
	d.open = func(ctx context.Context, remote addr.Remote, o *options) (conversation, error) {
		return openHeld(ctx, remote, o, count)
	}
	d.messages = func(_ *cobra.Command, args []string) (iter.Seq2[[]byte, error], error) {
		switch {
		case len(args) > 0:
			return nil, node.Usagef("%q: hold says nothing", args)
		case count < 1 || count > maxHeld:
			return nil, node.Usagef("--count %d: must be from 1 to %d", count, maxHeld)
		case d.observe == after:
			return nil, node.Usagef("--observe after: hold has no after; choose first or no")
		}
		return each([]string{""}), nil
	}
	cmd := d.command("hold ADDR", "Connect, say nothing, and stay until told to end", never)
	cmd.Example = `  client hold 10.1.1.10:8009
  client hold 10.1.1.10:8009 --count 100`
	cmd.Flags().IntVar(&count, "count", 1, "how many connections")
	return cmd
}

// held are connections on which this side says nothing.
type held struct {
	ctx     context.Context
	streams []*stream
}

func openHeld(ctx context.Context, remote addr.Remote, o *options, count int) (conversation, error) {
	h := &held{ctx: ctx}
	for range count {
		tcp, err := o.tcp(ctx, remote, func(*net.TCPConn) {})
		if err != nil {
			h.close()
			return nil, err
		}
		h.streams = append(h.streams, &stream{socket: tcp, remote: remote, timeout: o.timeout, events: node.From(ctx)})
	}
	return h, nil
}

// say says nothing: it waits for the end of the program.
func (h *held) say([]byte) error {
	first := h.streams[0]
	local := addr.Of(first.socket.LocalAddr())
	text := fmt.Sprintf("%v -> %v", local, first.remote)
	if n := len(h.streams); n > 1 {
		text = fmt.Sprintf("%d connections to %v", n, first.remote)
	}
	first.events.Ready(text, slog.Int("connections", len(h.streams)), slog.Any("local", local), slog.Any("remote", first.remote))
	<-h.ctx.Done()
	return nil
}

// observe asks on the first connection only.
func (h *held) observe() error { return h.streams[0].observe() }

func (h *held) close() error {
	for _, s := range h.streams {
		s.close()
	}
	return nil
}
