package portmap

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// ssdpGroup is where devices are looked for (UPnP Device Architecture 1.1, 1.3).
var ssdpGroup = netip.MustParseAddrPort("239.255.255.250:1900")

// igdPort is the TCP port of the device's description and control. Whoever looks
// for the device is told it.
const igdPort = 5000

// gatewayDevice is the router as a device of UPnP: InternetGatewayDevice:1.
type gatewayDevice struct {
	server *Server
	ssdp   *datagram.Conn
	web    []net.Listener
}

// listenGatewayDevice binds the device's sockets; with an error, what it has bound
// is closed.
func listenGatewayDevice(ctx context.Context, s *Server) (*gatewayDevice, error) {
	d := &gatewayDevice{server: s}
	if err := d.listen(ctx); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *gatewayDevice) listen(ctx context.Context) (err error) {
	// Searches come to the group and, from who knows the router, to its address.
	any := netip.AddrPortFrom(netip.IPv4Unspecified(), ssdpGroup.Port())
	if d.ssdp, err = datagram.Listen(ctx, any); err != nil {
		return errno.Wrap("", err, any.String())
	}
	if err := d.join(); err != nil {
		return err
	}
	for _, p := range d.server.config.Inside {
		at := netip.AddrPortFrom(p.Addr(), igdPort)
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", at.String())
		if err != nil {
			return errno.Wrap("", err, at.String())
		}
		d.web = append(d.web, l)
	}
	return nil
}

// join enters the group on each interface of the inside.
func (d *gatewayDevice) join() error {
	all, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil {
			return err
		}
		if !d.hasInside(addrs) {
			continue
		}
		if err := ipv4.NewPacketConn(d.ssdp.UDPConn).JoinGroup(&i, net.UDPAddrFromAddrPort(ssdpGroup)); err != nil {
			return errno.Wrap("", err, i.Name)
		}
	}
	return nil
}

func (d *gatewayDevice) hasInside(addrs []net.Addr) bool {
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		for _, in := range d.server.config.Inside {
			if err == nil && p.Addr() == in.Addr() {
				return true
			}
		}
	}
	return false
}

// serve answers until ctx is done and the device is closed.
func (d *gatewayDevice) serve(ctx context.Context, g *errgroup.Group) {
	g.Go(func() error { return d.serveSSDP(ctx) })
	web := &http.Server{
		Handler:        d.handler(),
		ReadTimeout:    webLimit,
		WriteTimeout:   webLimit,
		IdleTimeout:    webLimit,
		MaxHeaderBytes: 8 << 10,
	}
	for _, l := range d.web {
		g.Go(func() error {
			if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
				return errno.Wrap("accept", err, l.Addr().String())
			}
			return nil
		})
	}
	g.Go(func() error {
		<-ctx.Done()
		if err := web.Close(); !errors.Is(err, net.ErrClosed) { // close may have been quicker
			return err
		}
		return nil
	})
}

// webLimit is how long a request, its answer and the silence between two may be.
const webLimit = 5 * time.Second

func (d *gatewayDevice) close() error {
	var errs []error
	if d.ssdp != nil {
		errs = append(errs, d.ssdp.Close())
	}
	for _, l := range d.web {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) { // the web server closes it as well
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// nameFor is the router's address that a host in an inside subnet is told.
func (s *Server) nameFor(host netip.Addr) (netip.Addr, bool) {
	if !s.isInside(host) {
		return netip.Addr{}, false
	}
	for _, p := range s.config.Inside {
		if p.Contains(host) {
			return p.Addr(), true
		}
	}
	return netip.Addr{}, false
}
