package client

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/proxy"
)

// proxyLimit is how long a proxy may take to answer, where --timeout does not say: it
// has to look a name up and to connect, for which ours takes at most 10 seconds.
const proxyLimit = 30 * time.Second

// packets is a UDP socket that talks to one server.
type packets interface {
	net.Conn
	// Receive reads the next datagram, and tells what its IP header said.
	Receive(b []byte) (int, datagram.Info, error)
}

// remotes returns the addresses of a server in the order in which to try them. Behind
// a proxy there is one, and a name stays a name: the proxy looks it up.
func (o *options) remotes(ctx context.Context, server addr.Remote) ([]addr.Remote, error) {
	if o.proxy != nil {
		return []addr.Remote{server}, nil
	}
	addresses, err := dial.Resolve(ctx, server)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(server.Host); err != nil {
		node.From(ctx).Print("resolved", fmt.Sprintf("%s -> %s", server.Host, list(addresses)),
			slog.String("name", server.Host), slog.Any("addresses", addresses))
	}
	remotes := make([]addr.Remote, len(addresses))
	for i, a := range addresses {
		remotes[i] = addr.RemoteAt(a)
	}
	return remotes, nil
}

// tcp opens a TCP connection to remote, which a proxy alone may have as a name. When
// the socket is connected, to remote or to the proxy, it calls connected.
func (o *options) tcp(ctx context.Context, remote addr.Remote, connected func(*net.TCPConn)) (*net.TCPConn, error) {
	if o.proxy == nil {
		c, err := o.direct(ctx, remote)
		if err == nil {
			connected(c)
		}
		return c, err
	}
	c, err := o.proxy.Connect(ctx, o.dial)
	if err != nil {
		return nil, err
	}
	connected(c)
	err = o.handshake(ctx, c, func() error {
		bound, err := o.proxy.Open(c, remote)
		if err == nil {
			o.printProxied(ctx, bound, remote)
		}
		return err
	})
	return c, err
}

func (o *options) direct(ctx context.Context, remote addr.Remote) (*net.TCPConn, error) {
	ip, err := netip.ParseAddr(remote.Host)
	if err != nil {
		return nil, err
	}
	return dial.TCP(ctx, netip.AddrPortFrom(ip, remote.Port), o.dial)
}

// packets opens a UDP socket that talks to remote.
func (o *options) packets(ctx context.Context, remote addr.Remote) (packets, error) {
	if o.proxy == nil {
		ip, err := netip.ParseAddr(remote.Host)
		if err != nil {
			return nil, err
		}
		return dial.UDP(ctx, netip.AddrPortFrom(ip, remote.Port), o.dial)
	}
	c, err := o.proxy.Connect(ctx, dial.Options{Local: netip.AddrPortFrom(o.dial.Local.Addr(), 0), Limit: o.dial.Limit})
	if err != nil {
		return nil, err
	}
	(&stream{events: node.From(ctx)}).printConnected(c)
	var udp *proxy.Datagrams
	err = o.handshake(ctx, c, func() (err error) {
		udp, err = o.proxy.Associate(ctx, c, remote, o.dial)
		return err
	})
	if err != nil {
		return nil, err
	}
	relay := addr.Of(udp.RemoteAddr())
	node.From(ctx).Print("proxied", fmt.Sprintf("udp %v -> %v by %s", relay, remote, o.proxy.Scheme),
		slog.Any("relay", relay), slog.Any("remote", remote), slog.Any("proxy", o.proxy.Server))
	return udp, nil
}

// handshake talks with the proxy within the limit, and closes c if that fails.
func (o *options) handshake(ctx context.Context, c *net.TCPConn, talk func() error) error {
	limit := proxyLimit
	if o.dial.Limit > 0 {
		limit = o.dial.Limit
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	err := c.SetDeadline(time.Now().Add(limit))
	if err == nil {
		err = talk()
	}
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	if err != nil {
		c.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}
	return err
}

// printProxied tells where the tunnel leads, and, if the proxy told, from where.
func (o *options) printProxied(ctx context.Context, bound netip.AddrPort, remote addr.Remote) {
	text := fmt.Sprintf("%v by %s", remote, o.proxy.Scheme)
	attrs := []slog.Attr{slog.Any("remote", remote), slog.Any("proxy", o.proxy.Server), slog.String("scheme", string(o.proxy.Scheme))}
	if bound.IsValid() {
		text = fmt.Sprintf("%v -> %s", bound, text)
		attrs = append(attrs, slog.Any("bound", bound))
	}
	node.From(ctx).Print("proxied", text, attrs...)
}
