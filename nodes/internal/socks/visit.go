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
	"slices"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/relay"
	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

// visit is one client's connection.
type visit struct {
	server         *Server
	conn           *net.TCPConn
	client, listen netip.AddrPort
	ask            request
}

// request is what a client wants, in whichever protocol.
type request struct {
	protocol string // "socks5" or "http"
	command  wire.Command
	target   addr.Remote
	user     string // empty where nobody has to say
}

// String words the request: "socks5 CONNECT server:80, user ann".
func (q request) String() string {
	s := fmt.Sprintf("%s %v %v", q.protocol, q.command, q.target)
	if q.user != "" {
		s += ", user " + q.user
	}
	return s
}

// protocol is one of the two in which a client may ask.
type protocol interface {
	// read reads the request. What it refuses, it has answered.
	read() (request, error)
	// reply answers the request: with the address that the relay has taken for
	// it, or with why it cannot be met.
	reply(bound netip.AddrPort, err error) error
}

func newVisit(s *Server, c *net.TCPConn) *visit {
	return &visit{server: s, conn: c, client: addr.Of(c.RemoteAddr()), listen: addr.Of(c.LocalAddr())}
}

// serve serves the client until its connection ends.
func (v *visit) serve(ctx context.Context) {
	defer v.conn.Close()
	v.print("accepted", "")
	stop := context.AfterFunc(ctx, func() { relay.Reset(v.conn) })
	defer stop()
	if err := v.conn.SetDeadline(time.Now().Add(v.server.config.Handshake)); err != nil {
		return
	}
	p, err := v.protocol()
	if err == nil {
		v.ask, err = p.read()
	}
	if err != nil {
		v.refused(v.explain(err))
		v.hangUp()
		return
	}
	v.print("asked", v.ask.String(), v.ask.attrs()...)
	if v.ask.command == wire.Associate {
		v.associate(ctx, p)
		return
	}
	v.connect(ctx, p, stop)
}

// errProtocol is a first byte that begins neither protocol.
var errProtocol = errors.New("neither SOCKS5 nor HTTP")

// protocol looks at the first byte, and leaves it to be read.
func (v *visit) protocol() (protocol, error) {
	first, err := wire.PeekByte(v.conn)
	if err != nil {
		return nil, err
	}
	switch {
	case first == wire.Version:
		return &socks5{conn: v.conn, users: v.server.config.Users}, nil
	case 'A' <= first && first <= 'Z':
		return &tunnel{conn: v.conn, users: v.server.config.Users}, nil
	}
	return nil, fmt.Errorf("%w: the first byte is %#02x", errProtocol, first)
}

// connect connects to the target, and carries bytes until the connection ends. The
// carrier takes over what stop undoes.
func (v *visit) connect(ctx context.Context, p protocol, stop func() bool) {
	target, err := v.server.dial(ctx, v.ask.target)
	if err != nil {
		_ = p.reply(netip.AddrPort{}, err) // a client that is gone needs none
		v.refused(err)
		v.hangUp()
		return
	}
	local, remote := addr.Of(target.LocalAddr()), addr.Of(target.RemoteAddr())
	far := []slog.Attr{slog.Any("local", local), slog.Any("target", remote)}
	v.print("connected", fmt.Sprintf("tcp %v -> %v", local, remote), far...)
	err = v.conn.SetDeadline(time.Now().Add(v.server.config.Handshake))
	if err == nil {
		err = p.reply(local, nil)
	}
	if err == nil {
		err = v.conn.SetDeadline(time.Time{})
	}
	if err != nil {
		relay.Reset(target)
		v.refused(v.explain(err))
		return
	}
	stop()
	result := v.server.carrier.Carry(ctx, v.conn, target)
	v.print("closed", result.String(), slices.Concat(far, result.Attrs())...)
}

// lingerLimit and lingerBytes bound what is read of a client that has been refused.
const (
	lingerLimit = time.Second
	lingerBytes = 64 << 10
)

// hangUp closes the connection of a client that was refused. With bytes of the client
// still unread, close sends an RST, which may overtake the answer; so it is told by a
// FIN, and then read for a moment.
func (v *visit) hangUp() {
	_ = v.conn.SetReadDeadline(time.Now().Add(lingerLimit))
	if v.conn.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, v.conn, lingerBytes)
	}
}

// explain words the error of a handshake.
func (v *visit) explain(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("had not asked after %v (--handshake)", v.server.config.Handshake)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("ended before it had asked")
	case errors.Is(err, net.ErrClosed):
		return errors.New("relay stopped")
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return errno.Wrap("", err, "")
	}
	return err
}

// print prints an event of the visit.
func (v *visit) print(event, text string, attrs ...slog.Attr) {
	line := fmt.Sprintf("tcp %v -> %v", v.client, v.listen)
	switch {
	case event == "closed":
		line += " " + text
	case text != "":
		line += ", " + text
	}
	v.server.events.Print(event, line, slices.Concat([]slog.Attr{slog.Any("client", v.client), slog.Any("listen", v.listen)}, attrs)...)
}

// refused tells why the client did not get what it wanted.
func (v *visit) refused(err error) {
	text := err.Error()
	attrs := []slog.Attr{slog.String("error", text)}
	if v.ask.protocol != "" {
		text = v.ask.String() + ": " + text
		attrs = append(attrs, v.ask.attrs()...)
	}
	v.print("refused", text, attrs...)
}

func (q request) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("protocol", q.protocol), slog.String("command", q.command.String()), slog.String("request", q.target.String()),
	}
	if q.user != "" {
		attrs = append(attrs, slog.String("user", q.user))
	}
	return attrs
}
