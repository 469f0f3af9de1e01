package rendezvous

import (
	"context"
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// udpLine is the way to a client by datagrams.
type udpLine struct {
	conn        *datagram.Conn
	info        datagram.Info // where its registration came from, and to
	transaction Transaction
	journal     *journal
}

func (l *udpLine) remote() netip.AddrPort { return l.info.From }

// send sends one datagram. One that is lost is asked for again by the client.
func (l *udpLine) send(m Message) {
	if err := l.conn.Reply(Append(nil, l.transaction, m), l.info); err != nil {
		l.journal.failed(errno.Wrap("sendto", err, l.info.From.String()))
	}
}

// serveUDP answers one datagram after the other until ctx is done.
func (s *Server) serveUDP(ctx context.Context, c *datagram.Conn) error {
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
		s.handleDatagram(c, b[:n], info)
	}
}

// handleDatagram takes one datagram. What is not a request gets no answer: its source
// may be anybody's.
func (s *Server) handleDatagram(c *datagram.Conn, b []byte, info datagram.Info) {
	if !IsMessage(b) {
		if s.pairs != nil {
			s.pairs.datagram(b, info.From)
		}
		return
	}
	transaction, m, err := Parse(b)
	if err != nil {
		s.journal.refused("udp", info.From, err.Error())
		return
	}
	l := &udpLine{c, info, transaction, s.journal}
	switch answer, _ := s.answer(time.Now(), m, l); answer := answer.(type) {
	case nil:
	case *Refused:
		s.journal.refused("udp", info.From, answer.Reason.String())
		if answer.Reason != ReasonMalformed {
			l.send(answer) // to an address that has proven itself by its cookie
		}
	default:
		l.send(answer)
	}
}
