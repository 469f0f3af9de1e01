package stun

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v3"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

const (
	// maxCalls is how many calls the server makes at a time for one client: there are
	// three places to call from.
	maxCalls = 4

	// hangUpLimit is how long the server waits for the client to close.
	hangUpLimit = time.Second
)

// callBack answers over a connection of its own, from the place that the client asked
// for. If that fails it says so on the connection of the question. The call ends with
// calling, and what follows it with ctx.
func (s *Server) callBack(ctx, calling context.Context, asked *stream, q question, a answer) {
	from := s.config.at(a.from)
	c, err := call(calling, from, a.to, roundTrip(asked.TCPConn))
	if err == nil {
		from = addr.Of(c.LocalAddr())
		err = s.deliver(ctx, c, q, a)
	}
	switch {
	case err == nil:
		s.journal.answered("tcp", s.config, q, a)
	case calling.Err() == nil:
		s.hungUp(asked, q, a, from, err)
	}
}

// deliver sends the answer and waits until the client has closed, so that it is the
// client, if anyone, whose port stays in TIME_WAIT: the server may soon have to call
// the same client again from the same port.
func (s *Server) deliver(ctx context.Context, c *net.TCPConn, q question, a answer) error {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	defer c.Close()
	message, err := s.config.success(a.request, q, addr.Of(c.LocalAddr()))
	if err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(hangUpLimit)); err != nil {
		return err
	}
	if _, err := c.Write(message); err != nil {
		return err
	}
	// How the client closes does not matter: it has the answer, or will ask again.
	_, _ = io.Copy(io.Discard, c)
	return c.SetLinger(0)
}

// hungUp tells the client that it could not be called: 447 if the network did not let
// it, 500 for anything else.
func (s *Server) hungUp(asked *stream, q question, a answer, from netip.AddrPort, why error) {
	code := stun.CodeServerError
	if isNetworks(why) {
		code = stun.CodeConnTimeoutOrFailure
	}
	refusal, err := a.refuse(q, code, fmt.Sprintf("no connection from %v: %s", from, errno.Text(why)))
	if err != nil {
		s.journal.failed(err)
		return
	}
	if asked.send(refusal.message) == nil {
		s.journal.answered("tcp", s.config, q, refusal)
	}
}
