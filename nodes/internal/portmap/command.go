package portmap

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// flags are the client's as they were typed.
type flags struct {
	protocol, gateway, host string
	lifetime, timeout       time.Duration
}

const (
	defaultLifetime = time.Hour
	defaultTimeout  = 5 * time.Second
)

// Command returns the command port-map of the program client.
func Command() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "port-map tcp|udp PORT [OUTSIDE-PORT]",
		Short: "Ask the router to open a port for this host",
		Long: `Ask the router for a lease: what arrives at one of its outside ports goes to this
host's PORT, for a time. The router may give another outside port than was asked for.
Ask again to renew it. Without --protocol PCP is spoken and, with a router too old for
it, NAT-PMP.`,
		Example: `  client port-map tcp 50007
  client port-map --protocol upnp --lifetime 10m tcp 50007 8080
  client port-map delete tcp 50007`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.lifetime < time.Second {
				return node.Usagef("--lifetime %v: must be a second at least", f.lifetime)
			}
			return f.run(cmd, args)
		},
	}
	all := cmd.PersistentFlags()
	all.StringVar(&f.protocol, "protocol", "", "pcp, nat-pmp or upnp (default pcp, else nat-pmp)")
	all.StringVar(&f.gateway, "gateway", "", "address of the router (default: where the default route leads; upnp searches the LAN)")
	all.DurationVar(&f.timeout, "timeout", defaultTimeout, "give up after this long")
	cmd.Flags().DurationVar(&f.lifetime, "lifetime", defaultLifetime, "how long the port shall be open")
	cmd.Flags().StringVar(&f.host, "for", "", "ask for a mapping to another host, by its address; routers refuse")
	cmd.AddCommand(deleteCommand(&f))
	return cmd
}

func deleteCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:     "delete tcp|udp PORT [OUTSIDE-PORT]",
		Short:   "Give a port back before its time",
		Long:    "Give a port back before its time. Only UPnP needs OUTSIDE-PORT, if it is not PORT.",
		Example: "  client port-map delete tcp 50007",
		Args:    cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			deletion := *f
			deletion.lifetime = 0
			return deletion.run(cmd, args)
		},
	}
}

func (f flags) run(cmd *cobra.Command, args []string) error {
	r, err := f.request(args)
	if err != nil {
		return node.Usagef("%w", err)
	}
	by := askAny
	if f.protocol != "" {
		by = asks[f.protocol]
	}
	// UPnP finds a router by itself, by asking the whole LAN.
	if !r.Gateway.IsValid() && f.protocol != byUPnP {
		if r.Gateway, err = DefaultGateway(); err != nil {
			return fmt.Errorf("port-map: %w", err)
		}
	}
	a, err := by(cmd.Context(), r)
	if err != nil {
		return fmt.Errorf("port-map: %w", err)
	}
	a.print(node.From(cmd.Context()), r)
	return nil
}

// request parses flags and arguments; its error is for the user.
func (f flags) request(args []string) (r Request, err error) {
	r = Request{Lifetime: f.lifetime, Timeout: f.timeout}
	if f.protocol != "" && asks[f.protocol] == nil {
		return r, fmt.Errorf("--protocol %q: write pcp, nat-pmp or upnp", f.protocol)
	}
	if f.lifetime.Seconds() > 1<<32-1 {
		return r, fmt.Errorf("--lifetime %v is too long", f.lifetime)
	}
	if f.timeout <= 0 {
		return r, fmt.Errorf("--timeout %v: must be more than nothing, such as 5s", f.timeout)
	}
	if r.Gateway, err = optionalAddr("gateway", f.gateway); err != nil {
		return r, err
	}
	if r.For, err = optionalAddr("for", f.host); err != nil {
		return r, err
	}
	if r.For.IsValid() && f.protocol == byPMP {
		return r, fmt.Errorf("--for: NAT-PMP has no word for another host; write --protocol pcp or upnp")
	}
	var ok bool
	if r.Protocol, ok = protocolOf(args[0]); !ok {
		return r, fmt.Errorf("%q cannot be mapped; write tcp or udp", args[0])
	}
	ports := []*uint16{&r.Inside, &r.Outside}
	for i, s := range args[1:] {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil || n == 0 {
			return r, fmt.Errorf("port %q is not a number from 1 to 65535", s)
		}
		*ports[i] = uint16(n)
	}
	return r, nil
}

func optionalAddr(flag, s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return a, fmt.Errorf("--%s %q: write an IPv4 address, such as 10.16.1.1", flag, s)
	}
	return a, nil
}

// print says what the router gave.
func (a Answer) print(events *node.Events, r Request) {
	gateway := []slog.Attr{slog.Any("gateway", a.Gateway), slog.String("protocol", a.By)}
	if a.By != byUPnP {
		gateway = append(gateway, slog.Float64("epoch", a.Epoch.Seconds()))
	}
	events.Print("gateway", fmt.Sprintf("%v, asked by %s", a.Gateway, a.By), gateway...)
	if r.Lifetime == 0 {
		events.Print("deleted", fmt.Sprintf("%v %d", r.Protocol, r.Inside), slog.Any("protocol", r.Protocol), slog.Any("inside", r.Inside))
		return
	}
	events.Print("outside", a.Outside.String(), slog.Any("address", a.Outside))
	events.Print("lifetime", dial.Seconds(a.Lifetime), slog.Float64("seconds", a.Lifetime.Seconds()))
}
