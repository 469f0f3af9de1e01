// Package ping is the commands ping and traceroute of the program client: ICMP as a
// program without privilege sees it.
package ping

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

const (
	// defaultTimeout is longer than the kernel asks by ARP for a host that is not
	// there, about 3 s, so that its error arrives before.
	defaultTimeout = 4 * time.Second

	// maxPayload is what fits into the largest IPv4 packet beside the two headers.
	maxPayload = 65535 - 20 - echoHeader
)

// Command returns the command ping.
func Command() *cobra.Command {
	var p ping
	cmd := &cobra.Command{
		Use:   "ping ADDR",
		Short: "Ask a host for an echo, and say what comes back and from where",
		Long: `Send ICMP echo requests (RFC 792), one after the other, and print each reply, or
the ICMP error that a router sends instead.

It needs no privilege: an ICMP datagram socket is open to every group that
net.ipv4.ping_group_range names, in containers to all. With --raw it is a raw
socket, as in the first pings, and needs root and the capability NET_RAW.`,
		Example: `  client ping 10.1.1.10
  client ping 10.1.2.10 --ttl 1            (who is the first router?)
  client ping 10.1.2.10 --df --size 1472   (does a packet of 1500 bytes pass?)`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(); err != nil {
				return err
			}
			var err error
			if p.remote, err = resolve(cmd.Context(), args[0]); err != nil {
				return err
			}
			return p.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.IntVar(&p.count, "count", 3, "how many requests")
	f.IntVar(&p.ttl, "ttl", 64, "TTL, or hop limit, of the requests")
	f.IntVar(&p.size, "size", 56, "bytes of payload; the packet has 28 more (IPv6: 48)")
	f.BoolVar(&p.df, "df", false, "do not fragment: a packet that does not fit is an error")
	f.BoolVar(&p.raw, "raw", false, "use a raw socket (needs NET_RAW)")
	f.DurationVar(&p.timeout, "timeout", defaultTimeout, "wait this long for each reply")
	f.DurationVar(&p.interval, "interval", 200*time.Millisecond, "time from one request to the next, at least")
	return cmd
}

// check checks what the flags say.
func (p *ping) check() error {
	return firstError(
		between("count", p.count, 1, 65535),
		between("ttl", p.ttl, 1, 255),
		between("size", p.size, 0, maxPayload),
		positive("timeout", p.timeout),
		positive("interval", p.interval),
	)
}

// TracerouteCommand returns the command traceroute.
func TracerouteCommand() *cobra.Command {
	var t traceroute
	cmd := &cobra.Command{
		Use:   "traceroute ADDR",
		Short: "Name the routers on the way to a host",
		Long: `Send probes whose TTL grows from 1, so that one router after the other has to say
that it ran out (ICMP time exceeded), until the host itself answers. The probes are
datagrams to ports where nobody listens, or with --icmp echo requests. The errors come
from the socket's own error queue (IP_RECVERR), so no privilege is needed.`,
		Example: `  client traceroute 10.1.2.10
  client traceroute 10.1.2.10 --icmp --timeout 500ms`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := t.check(); err != nil {
				return err
			}
			var err error
			if t.remote, err = resolve(cmd.Context(), args[0]); err != nil {
				return err
			}
			return t.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&t.icmp, "icmp", false, "probe with echo requests instead of datagrams")
	f.IntVar(&t.port, "port", 33434, "port of the first datagram; each goes to the next")
	f.IntVar(&t.hops, "max-hops", 30, "give up after this many routers")
	f.IntVar(&t.probes, "probes", 1, "probes for each hop")
	f.DurationVar(&t.timeout, "timeout", defaultTimeout, "wait this long for each answer")
	return cmd
}

// check checks what the flags say.
func (t *traceroute) check() error {
	err := firstError(
		between("max-hops", t.hops, 1, 255),
		between("probes", t.probes, 1, 10),
		positive("timeout", t.timeout),
		between("port", t.port, 1, 65535),
	)
	if last := t.port + t.hops*t.probes - 1; err == nil && last > 65535 {
		err = node.Usagef("--port %d: the last probe would go to port %d; there are 65535", t.port, last)
	}
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func between(flag string, n, least, most int) error {
	if n < least || n > most {
		return node.Usagef("--%s %d: must be from %d to %d", flag, n, least, most)
	}
	return nil
}

func positive(flag string, d time.Duration) error {
	if d <= 0 {
		return node.Usagef("--%s %v: must be more than nothing, such as 1s", flag, d)
	}
	return nil
}

// resolve returns the first address of a host, given as an address or a name.
func resolve(ctx context.Context, host string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap(), nil
	}
	if _, _, err := net.SplitHostPort(host); err == nil {
		return netip.Addr{}, node.Usagef("%q: ICMP has no ports; give the address alone", host)
	}
	if strings.Contains(host, ":") {
		return netip.Addr{}, node.Usagef("%q is not an IPv6 address", host)
	}
	remote, err := addr.ParseRemote(net.JoinHostPort(host, "1"), 1)
	if err != nil {
		return netip.Addr{}, node.Usagef("%q is neither an IP address nor a name", host)
	}
	all, err := dial.Resolve(ctx, remote)
	if err != nil {
		return netip.Addr{}, err
	}
	first := all[0].Addr()
	node.From(ctx).Print("resolved", fmt.Sprintf("%s -> %v", host, first), slog.String("name", host), slog.Any("address", first))
	return first, nil
}
