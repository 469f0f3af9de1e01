package client

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// conversation is a socket that is connected to a server. Each of its steps prints
// what came of it.
type conversation interface {
	say(message []byte) error // sends, and receives the answer
	observe() error           // asks for the observed address
	close() error
}

// dialogue is what a command does with a server.
type dialogue struct {
	options
	service string
	port    uint16 // the service's own, for the help and for errors

	// open makes the conversation with one address of the server.
	open func(ctx context.Context, remote addr.Remote, o *options) (conversation, error)

	// messages returns what to say.
	messages func(cmd *cobra.Command, args []string) (iter.Seq2[[]byte, error], error)
}

// run is the command: args are the server's address and the messages.
func (d *dialogue) run(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return node.Usagef("which server? Give its address: client %s 10.1.1.10:%d", d.service, d.port)
	}
	remote, err := addr.ParseRemote(args[0], d.port)
	if err != nil {
		return node.Usagef("%w", err)
	}
	if err := d.resolve(cmd); err != nil {
		return err
	}
	messages, err := d.messages(cmd, args[1:])
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	c, err := d.connect(ctx, remote)
	if err != nil {
		return err
	}
	defer c.close()
	// A step that blocks ends when its socket is closed.
	stop := context.AfterFunc(ctx, func() { c.close() })
	defer stop()
	if err := d.talk(c, messages); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	return nil
}

// connect opens the conversation with the first of the server's addresses that
// lets it.
func (d *dialogue) connect(ctx context.Context, remote addr.Remote) (conversation, error) {
	remotes, err := d.options.remotes(ctx, remote)
	if err != nil {
		return nil, err
	}
	for _, r := range remotes {
		var c conversation
		if c, err = d.open(ctx, r, &d.options); err == nil {
			return c, nil
		}
	}
	return nil, err
}

func list(remotes []netip.AddrPort) string {
	s := ""
	for i, r := range remotes {
		if i > 0 {
			s += ", "
		}
		s += r.Addr().String()
	}
	return s
}

// talk says each message and asks for the observed address when it is wanted.
func (d *dialogue) talk(c conversation, messages iter.Seq2[[]byte, error]) error {
	if d.options.observe == first {
		if err := c.observe(); err != nil {
			return err
		}
	}
	for message, err := range messages {
		if err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
		if err := c.say(message); err != nil {
			return err
		}
	}
	if d.options.observe == after {
		return c.observe()
	}
	return nil
}

// argsOrLines says each argument; without arguments, each line of standard input.
func (d *dialogue) argsOrLines(cmd *cobra.Command, args []string) (iter.Seq2[[]byte, error], error) {
	if len(args) == 0 {
		return inputLines(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr(), d.udp), nil
	}
	for i, a := range args {
		if a == "" && !d.udp {
			return nil, node.Usagef("message %d is empty: TCP has no empty messages", i+1)
		}
	}
	return each(args), nil
}

func each(messages []string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, m := range messages {
			if !yield([]byte(m), nil) {
				return
			}
		}
	}
}

// inputLines says each line of in, without its end. An empty line says nothing,
// but over UDP, where it is a datagram without payload.
func inputLines(ctx context.Context, in io.Reader, hints io.Writer, empty bool) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if isTerminal(in) {
			fmt.Fprintln(hints, "Type a line to send it; Ctrl-D ends.")
		}
		for line, err := range lines(ctx, in) {
			if err == nil && len(line) == 0 && !empty {
				continue
			}
			if !yield(line, err) {
				return
			}
		}
	}
}
