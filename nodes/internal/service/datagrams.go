package service

import (
	"bytes"
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/observe"
)

// datagrams is a service's UDP socket.
type datagrams struct {
	udp     *datagram.Conn
	spec    Spec
	journal journal
}

func listenDatagram(ctx context.Context, spec Spec, j journal) (*datagrams, error) {
	udp, err := datagram.Listen(ctx, spec.Addr)
	if err != nil {
		return nil, bindError(spec, err)
	}
	return &datagrams{udp: udp, spec: spec, journal: j}, nil
}

func (l *datagrams) service() string { return l.spec.Name }
func (l *datagrams) String() string  { return "udp " + addr.Of(l.udp.LocalAddr()).String() }
func (l *datagrams) close() error    { return l.udp.Close() }

// serve answers one datagram after the other until ctx is done.
func (l *datagrams) serve(ctx context.Context, g *errgroup.Group) error {
	b := make([]byte, datagram.MaxSize)
	delay := backoff.First
	for {
		n, info, err := l.udp.Receive(b)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			l.journal.failed(errno.Wrap("recvfrom", err, ""))
			delay = backoff.Pause(ctx, delay)
			continue
		}
		delay = backoff.First
		l.handle(ctx, g, b[:n], info)
	}
}

func (l *datagrams) handle(ctx context.Context, g *errgroup.Group, b []byte, info datagram.Info) {
	if observe.IsRequest(b) {
		l.tell(b, info)
		return
	}
	l.journal.datagram(info.From, info.TTL, b)
	answer := l.spec.Handlers.Datagram(ctx, b)
	if answer == nil {
		return
	}
	if l.spec.Handlers.Delay != nil {
		if delay := l.spec.Handlers.Delay(b); delay > 0 {
			l.answerLater(ctx, g, delay, bytes.Clone(answer), info)
			return
		}
	}
	l.answer(answer, info)
}

func (l *datagrams) answer(b []byte, info datagram.Info) {
	if l.send(b, info) {
		l.journal.sent(info.From, b)
	}
}

// answerLater answers when delay has passed, unless the server ends before.
func (l *datagrams) answerLater(ctx context.Context, g *errgroup.Group, delay time.Duration, b []byte, info datagram.Info) {
	g.Go(func() error {
		if wait(ctx, delay) == nil {
			l.answer(b, info)
		}
		return nil
	})
}

// tell answers the question for the observed address.
func (l *datagrams) tell(request []byte, info datagram.Info) {
	response, err := observe.Response(request, info.From)
	if err != nil {
		l.journal.failed(err)
		return
	}
	if l.send(response, info) {
		l.journal.observed(info.From)
	}
}

// send reports whether the kernel took the datagram. That it cannot be sent to one
// client, for want of a route for example, is that client's matter.
func (l *datagrams) send(b []byte, info datagram.Info) bool {
	if err := l.udp.Reply(b, info); err != nil {
		l.journal.failed(errno.Wrap("sendto", err, info.From.String()))
		return false
	}
	return true
}
