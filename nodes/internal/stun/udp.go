package stun

import (
	"context"

	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// serveUDP answers one datagram after the other until ctx is done.
func (s *Server) serveUDP(ctx context.Context, at spot) error {
	c := s.udp[at.addr][at.port]
	b := make([]byte, datagram.MaxSize)
	delay := backoff.First
	for {
		n, info, err := c.Receive(b)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.journal.failed(errno.Wrap("recvfrom", err, ""))
			delay = backoff.Pause(ctx, delay)
			continue
		}
		delay = backoff.First
		s.handleDatagram(b[:n], at, info)
	}
}

func (s *Server) handleDatagram(b []byte, at spot, info datagram.Info) {
	q := question{raw: b, at: at, from: info.From}
	a, err := s.config.answer(q)
	if err != nil {
		s.journal.ignored("udp", q, s.config.at(at), err)
		return
	}
	// From a wildcard address the answer must go out from where the question came
	// to; the other sockets are of one address each.
	if a.from == at {
		info.From = a.to
	} else {
		info = datagram.Info{From: a.to}
	}
	if err := s.udp[a.from.addr][a.from.port].Reply(a.message, info); err != nil {
		// For want of a route for example: that is this client's matter.
		s.journal.failed(errno.Wrap("sendto", err, a.to.String()))
		return
	}
	s.journal.answered("udp", s.config, q, a)
}
