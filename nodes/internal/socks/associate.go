package socks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// errAssociations is the end of an association that could not begin.
var errAssociations = errors.New("too many UDP associations (--max-associations)")

// associate serves UDP ASSOCIATE (RFC 1928 section 7): it opens a socket for the
// client's datagrams, and carries them until the TCP connection ends, or nothing has
// moved for the lifetime.
func (v *visit) associate(ctx context.Context, p protocol) {
	a, err := v.newAssociation(ctx)
	if err != nil {
		_ = p.reply(netip.AddrPort{}, err)
		v.refused(err)
		v.hangUp()
		return
	}
	defer func() { <-v.server.relays }()
	bound := addr.Of(a.inside.LocalAddr())
	err = p.reply(bound, nil)
	if err == nil {
		err = v.conn.SetDeadline(time.Time{})
	}
	if err != nil {
		a.inside.Close()
		v.refused(v.explain(err))
		return
	}
	v.print("connected", fmt.Sprintf("udp %v", bound), slog.Any("udp", bound))
	why := a.run(ctx)
	took := time.Since(a.began)
	v.print("closed", fmt.Sprintf("after %.2f s: %v forth, %v back, %s", took.Seconds(), &a.forth, &a.back, why),
		slog.Any("udp", bound), slog.Int64("forth", a.forth.bytes.Load()), slog.Int64("back", a.back.bytes.Load()),
		slog.Int64("forth_datagrams", a.forth.datagrams.Load()), slog.Int64("back_datagrams", a.back.datagrams.Load()),
		slog.Float64("seconds", took.Seconds()), slog.String("why", why))
}

// newAssociation takes a place for an association and opens the socket for its client,
// at the address of the relay that the client knows.
func (v *visit) newAssociation(ctx context.Context) (*association, error) {
	select {
	case v.server.relays <- struct{}{}:
	default:
		return nil, errAssociations
	}
	local := netip.AddrPortFrom(v.listen.Addr(), 0)
	c, err := new(net.ListenConfig).ListenPacket(ctx, addr.Network("udp", local), local.String())
	if err != nil {
		<-v.server.relays
		return nil, errno.Wrap("", err, "udp "+local.String())
	}
	return newAssociation(v.server, v.conn, c.(*net.UDPConn), v.client.Addr()), nil
}

// watchControl reads the client's TCP connection, on which nothing is to come, and
// returns how it ended.
func watchControl(c *net.TCPConn) string {
	_, err := io.Copy(io.Discard, struct{ io.Reader }{c})
	switch {
	case err == nil:
		return "FIN from client"
	case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
		return "" // by this end, which knows why
	}
	return errno.Text(err) + " from client"
}
