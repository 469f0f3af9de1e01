package rendezvous

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"
)

// ErrPartnerLeft is a partner that left before both knew each other.
var ErrPartnerLeft = errors.New("the partner has left")

// Met reports whether both sides know each other. The error is ErrPartnerLeft.
func (g *Guest) Met() (bool, error) {
	p := g.status.Peer
	switch {
	case p == nil:
		return false, nil
	case p.State == StateLeft:
		return false, ErrPartnerLeft
	}
	return p.State >= StateTold && g.known, nil
}

// JoinStream registers g over c, a connection to a relay, and returns when there is a
// partner and both know it: what is written to c then goes to the partner, and what is
// read from it comes from there. When ctx is done c's deadline is set; the caller closes c.
func JoinStream(ctx context.Context, c net.Conn, g *Guest) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var incoming reading // goes on where a deadline has interrupted it
	for {
		// Once this side has told, the connection is the carrier's: the request again
		// would be the first thing that the partner reads. The stream loses nothing,
		// and the relay waits no longer for the partner than a lifetime.
		limit := time.Time{}
		if g.State() < StateTold {
			b, wait := g.Request()
			if _, err := c.Write(b); err != nil {
				return cause(ctx, err)
			}
			limit = time.Now().Add(max(wait, lastRetry))
		}
		if err := c.SetReadDeadline(limit); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx) // its deadline may have been overwritten
		}
		if err := g.readUntilMet(ctx, c, &incoming); !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			if err == nil {
				err = c.SetReadDeadline(time.Time{})
			}
			return cause(ctx, err)
		}
	}
}

// readUntilMet reads messages until both sides know each other.
func (g *Guest) readUntilMet(ctx context.Context, c net.Conn, incoming *reading) error {
	for ctx.Err() == nil {
		b, err := incoming.next(c)
		if err != nil {
			return err
		}
		next, err := g.Receive(b)
		if err != nil {
			return err
		}
		if len(next) > 0 {
			if _, err := c.Write(next); err != nil {
				return err
			}
		}
		if met, err := g.Met(); met || err != nil {
			return err
		}
	}
	return ctx.Err()
}

// JoinDatagrams registers g over c with the relay at server, and returns when there is a
// partner and both know it: any datagram that is sent to server then goes to the
// partner, but for messages of this protocol. The caller repeats g.Request for as long as
// it wants to stay, and gives what IsMessage to g.Receive.
func JoinDatagrams(ctx context.Context, c *net.UDPConn, server netip.AddrPort, g *Guest) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 1<<16)
	for {
		b, wait := g.Request()
		if _, err := c.WriteToUDPAddrPort(b, server); err != nil {
			return cause(ctx, err)
		}
		if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return err
		}
		if err := g.receiveUntilMet(ctx, c, server, buf); !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			if err == nil {
				err = c.SetReadDeadline(time.Time{})
			}
			return cause(ctx, err)
		}
	}
}

func (g *Guest) receiveUntilMet(ctx context.Context, c *net.UDPConn, server netip.AddrPort, buf []byte) error {
	for ctx.Err() == nil {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return err
		}
		if from.Port() != server.Port() || from.Addr().Unmap() != server.Addr() {
			continue
		}
		next, err := g.Receive(buf[:n])
		if err != nil {
			return err
		}
		if len(next) > 0 {
			if _, err := c.WriteToUDPAddrPort(next, server); err != nil {
				return err
			}
		}
		if met, err := g.Met(); met || err != nil {
			return err
		}
	}
	return ctx.Err()
}

// cause is why ctx ended, if it did.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
