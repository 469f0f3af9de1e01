// Package conns is the command connections of the program client: the TCP sockets of
// the host it runs on, as its kernel lists them.
package conns

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Command returns the command connections.
func Command() *cobra.Command {
	var f filter
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "connections",
		Short: "List this host's TCP sockets, their states and queues",
		Long: `List the TCP sockets of this host as the kernel has them, those that listen first.

A socket that listens shows its backlog, as listen asked for it or net.core.somaxconn
allows it, and how many connections are complete and wait for accept: one more than
the backlog find room. The others show how many bytes
have come and are not read yet, and how many are written and not acknowledged; a SYN
or a FIN that is under way counts as one byte. Then, what the kernel will do by itself.

It needs no privilege.`,
		Example: `  client connections
  client connections --port 50007 --state TIME_WAIT
  client connections --state CLOSE_WAIT --wait 2s   (until there is one)`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait < 0 {
				return node.Usagef("--wait %v is negative; 0 means not to wait", wait)
			}
			return show(cmd.Context(), &f, wait)
		},
	}
	cmd.Flags().Var(&f.states, "state", "only sockets in this state; may be repeated")
	cmd.Flags().Uint16Var(&f.port, "port", 0, "only sockets with this port, at either end")
	cmd.Flags().DurationVar(&wait, "wait", 0, "if there is none, wait this long for the first")
	return cmd
}

// filter says which sockets are wanted. What is empty leaves all.
type filter struct {
	states states
	port   uint16
}

func (f *filter) match(s socket) bool {
	return (len(f.states) == 0 || slices.Contains(f.states, s.state)) &&
		(f.port == 0 || s.local.Port() == f.port || s.remote.Port() == f.port)
}

// String words what is wanted: "socket in TIME_WAIT, port 50007".
func (f *filter) String() string {
	var b strings.Builder
	b.WriteString("socket")
	if len(f.states) > 0 {
		b.WriteString(" in " + f.states.String())
	}
	if f.port != 0 {
		fmt.Fprintf(&b, ", port %d", f.port)
	}
	return b.String()
}

// show prints an event a socket.
func show(ctx context.Context, f *filter, wait time.Duration) error {
	found, err := await(ctx, f, wait)
	if err != nil {
		return err
	}
	for _, s := range found {
		node.From(ctx).Print("socket", s.String(), s.attrs()...)
	}
	return nil
}

// interval is how often the kernel is asked. It tells nobody of new states who has not
// the capability NET_ADMIN.
const interval = 20 * time.Millisecond

// await returns the sockets that are wanted, when there are any or the time is up.
func await(ctx context.Context, f *filter, wait time.Duration) ([]socket, error) {
	limit := time.NewTimer(wait)
	defer limit.Stop()
	again := time.NewTicker(interval)
	defer again.Stop()
	for {
		all, err := list()
		if err != nil {
			return nil, err
		}
		found := slices.DeleteFunc(all, func(s socket) bool { return !f.match(s) })
		if len(found) > 0 || wait == 0 {
			return found, nil
		}
		select {
		case <-again.C:
		case <-limit.C:
			return nil, fmt.Errorf("connections: no %v within %s (--wait)", f, dial.Seconds(wait))
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
