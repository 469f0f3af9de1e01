package names

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// showBind binds a server to an address, and connects to it by every address that this
// host has: which of them lead to the server is what the address means.
func showBind(ctx context.Context, events *node.Events, a netip.Addr) (err error) {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	at := netip.AddrPortFrom(a, 0)
	l, err := lc.Listen(ctx, addr.Network("tcp", at), at.String())
	if err != nil {
		return errno.Wrap("", err, at.String())
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	bound := addr.Of(l.Addr())
	events.Print("bind", fmt.Sprintf("%v, listens on %v", at, bound), slog.Any("bind", at), slog.Any("getsockname", bound))
	own, err := ownAddrs(a.Is4())
	if err != nil {
		return err
	}
	if a.IsUnspecified() {
		own = append(own, a) // Linux takes it for the loopback's
	}
	for _, o := range own {
		if err := tryConnect(ctx, events, netip.AddrPortFrom(o, bound.Port())); err != nil {
			return err
		}
	}
	return nil
}

// connectLimit ends a connect to this host itself, which takes no time.
const connectLimit = time.Second

// tryConnect connects and prints what comes of it. The kernel completes the connection
// without an accept.
func tryConnect(ctx context.Context, events *node.Events, to netip.AddrPort) error {
	c, err := dial.TCP(ctx, to, dial.Options{Limit: connectLimit})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		events.Print("connect", fmt.Sprintf("%v %s", to, errno.Text(err)), slog.Any("remote", to), slog.Any("error", err))
		return nil
	}
	events.Print("connect", fmt.Sprintf("%v reaches it", to), slog.Any("remote", to))
	return c.Close()
}

// ownAddrs returns the addresses of this host of one family, the loopback's first. Those
// that hold on one link only are left out.
func ownAddrs(v4 bool) ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this host's addresses: %w", err)
	}
	var own []netip.Addr
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if ip := prefix.Addr().Unmap(); ip.Is4() == v4 && !ip.IsLinkLocalUnicast() {
			own = append(own, ip)
		}
	}
	slices.SortFunc(own, func(a, b netip.Addr) int {
		if a.IsLoopback() != b.IsLoopback() {
			if a.IsLoopback() {
				return -1
			}
			return 1
		}
		return a.Compare(b)
	})
	return own, nil
}
