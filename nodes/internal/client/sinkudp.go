package client

import (
	"context"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// runDatagrams is the command with --udp: args are the server's address and the
// messages.
func (k *sink) runDatagrams(cmd *cobra.Command, args []string) error {
	if k.options.nagle {
		return node.Usagef("--nagle is TCP's: no datagram waits for another")
	}
	d := k.dialogue
	d.open = openUnanswered
	d.messages = func(cmd *cobra.Command, messages []string) (iter.Seq2[[]byte, error], error) {
		if err := k.check(messages); err != nil {
			return nil, node.Usagef("%w", err)
		}
		return k.paced(cmd.Context(), messages), nil
	}
	return d.run(cmd, args)
}

// unanswered is a conversation of datagrams in which only this side speaks.
type unanswered struct{ *datagrams }

func openUnanswered(ctx context.Context, remote addr.Remote, o *options) (conversation, error) {
	c, err := openDatagrams(ctx, remote, o)
	if err != nil {
		return nil, err
	}
	return unanswered{c.(*datagrams)}, nil
}

// say sends a message as one datagram. The errno of a send may be that of an ICMP
// error which an earlier datagram has met.
func (u unanswered) say(message []byte) error {
	begin := time.Now()
	if err := u.udp.SetDeadline(begin.Add(u.timeout)); err != nil {
		return err
	}
	if _, err := u.udp.Write(message); err != nil {
		return u.fail("send", err, begin)
	}
	printSent(u.events, message)
	return nil
}
