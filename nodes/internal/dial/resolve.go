package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// Resolve returns the transport addresses of r: one for an IP address, all that
// the hosts file or DNS know for a name.
func Resolve(ctx context.Context, r addr.Remote) ([]netip.AddrPort, error) {
	if ip, err := netip.ParseAddr(r.Host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip, r.Port)}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", r.Host)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var dns *net.DNSError
		if errors.As(err, &dns) {
			return nil, fmt.Errorf("getaddrinfo: %s: %s", dns.Err, r.Host)
		}
		return nil, fmt.Errorf("getaddrinfo: %w: %s", err, r.Host)
	}
	remotes := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		remotes[i] = netip.AddrPortFrom(ip.Unmap(), r.Port)
	}
	return remotes, nil
}
