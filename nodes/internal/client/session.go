package client

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// session is a client that is no dialogue of messages and answers: it does
// something of its own with a connection.
type session struct {
	dialogue

	// do is the client: args are what follows the server's address.
	do func(ctx context.Context, s *stream, args []string) error

	// check, if it is not nil, judges args before there is a connection.
	check func(args []string) error
}

// command returns the cobra command of s.
func (s *session) command(use, short string) *cobra.Command {
	s.open = openStream(nil)
	cmd := s.dialogue.command(use, short, never)
	cmd.RunE = s.run
	return cmd
}

// run is the command: args are the server's address and what do takes.
func (s *session) run(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return node.Usagef("which server? Give its address: client %s 10.1.1.10:%d", s.service, s.port)
	}
	remote, err := addr.ParseRemote(args[0], s.port)
	if err != nil {
		return node.Usagef("%w", err)
	}
	if err := s.resolve(cmd); err != nil {
		return err
	}
	if s.options.observe == after {
		return node.Usagef("--observe after: %s has no after; choose first or no", s.service)
	}
	if s.check != nil {
		if err := s.check(args[1:]); err != nil {
			return node.Usagef("%w", err)
		}
	}
	ctx := cmd.Context()
	c, err := s.connect(ctx, remote)
	if err != nil {
		return err
	}
	defer c.close()
	stop := context.AfterFunc(ctx, func() { c.close() })
	defer stop()
	if s.options.observe == first {
		err = c.observe()
	}
	if err == nil {
		err = s.do(ctx, c.(*stream), args[1:])
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
