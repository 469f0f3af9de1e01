package turn

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// clientFlags are those of client turn.
type clientFlags struct {
	user, password, bind string
	tcp                  bool
	lifetime             time.Duration

	// echo
	channel, noPermission bool
	timeout               time.Duration

	// wait
	permit   []string
	count    int
	keep     bool
	duration time.Duration
}

// ClientCommand returns the command turn of the program client.
func ClientCommand() *cobra.Command {
	f := &clientFlags{}
	cmd := &cobra.Command{
		Use:   "turn",
		Short: "Talk to a peer through a TURN server, step by step",
		Long: `Ask a TURN server (RFC 8656) for an allocation, a relayed transport address, and talk to
peers through it. Each step is printed.`,
	}
	fs := cmd.PersistentFlags()
	fs.StringVar(&f.user, "user", "", "name at the server")
	fs.StringVar(&f.password, "password", "", "password at the server")
	fs.StringVar(&f.bind, "bind", "", "source address to bind to: IP:PORT, IP or :PORT")
	fs.BoolVar(&f.tcp, "tcp", false, "go to the server over TCP; peers are reached by UDP all the same")
	fs.DurationVar(&f.lifetime, "lifetime", 0, "of the allocation (0: what the server gives)")
	cmd.AddCommand(f.echoCommand(), f.waitCommand())
	return cmd
}

func (f *clientFlags) echoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "echo SERVER PEER MESSAGE...",
		Short:   "Send messages to a peer and print what comes back",
		Example: "  client turn echo 198.18.13.20:3478 198.18.13.10:50007 hello --user alice --password wonderland",
		Args:    cobra.MinimumNArgs(3),
	}
	fs := cmd.Flags()
	fs.BoolVar(&f.channel, "channel", false, "bind a channel to the peer: 4 bytes of header instead of 36")
	fs.BoolVar(&f.noPermission, "no-permission", false, "leave the permission out, to see what becomes of it")
	fs.DurationVar(&f.timeout, "timeout", 10*time.Second, "limit for each reply")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		peer, err := f.peer(cmd.Context(), args[1])
		if err != nil {
			return err
		}
		return f.with(cmd.Context(), args[0], func(ctx context.Context, c *Client) error {
			return f.echo(ctx, c, peer, args[2:])
		})
	}
	return cmd
}

func (f *clientFlags) waitCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "wait SERVER",
		Short: "Wait at the relayed transport address for peers, and send back what they send",
		Example: `  client turn wait 198.18.13.20:3478 --user alice --password wonderland
  client turn wait 198.18.13.20:3478 --user alice --password wonderland --permit 198.18.13.3 --count 1`,
		Args: cobra.ExactArgs(1),
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&f.permit, "permit", nil, "address of a peer that may send: IP or IP:PORT; may be repeated")
	fs.IntVar(&f.count, "count", 0, "end after so many datagrams (0: never)")
	fs.BoolVar(&f.keep, "refresh", true, "refresh the allocation and the permissions before they end")
	fs.DurationVar(&f.duration, "for", 0, "end after this time (0: never)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		peers, err := f.peers()
		if err != nil {
			return err
		}
		return f.with(cmd.Context(), args[0], func(ctx context.Context, c *Client) error {
			return f.wait(ctx, c, peers)
		})
	}
	return cmd
}

// peer reads the address of one who is to be talked to.
func (f *clientFlags) peer(ctx context.Context, s string) (netip.AddrPort, error) {
	r, err := addr.ParseRemote(s, 50007)
	if err != nil {
		return netip.AddrPort{}, node.Usagef("peer %w", err)
	}
	all, err := dial.Resolve(ctx, r)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return all[0], nil
}

// peers reads the addresses of those who may send.
func (f *clientFlags) peers() ([]netip.AddrPort, error) {
	var peers []netip.AddrPort
	for _, s := range f.permit {
		p, err := netip.ParseAddrPort(s)
		if a, aErr := netip.ParseAddr(s); aErr == nil {
			p, err = netip.AddrPortFrom(a, 0), nil
		}
		if err != nil {
			return nil, node.Usagef("--permit %q: want IP or IP:PORT", s)
		}
		peers = append(peers, p)
	}
	return peers, nil
}

// with makes an allocation, does something with it, and releases it.
func (f *clientFlags) with(ctx context.Context, server string, do func(context.Context, *Client) error) error {
	config, err := f.config(ctx, server)
	if err != nil {
		return err
	}
	c, err := Dial(ctx, config)
	if err != nil {
		return err
	}
	defer c.Close()
	events := node.From(ctx)
	g, err := c.Allocate(ctx, f.lifetime)
	if err != nil {
		return fmt.Errorf("%w: %v", err, config.Server)
	}
	protocol := map[bool]string{false: "udp", true: "tcp"}[f.tcp]
	events.Print("connected", fmt.Sprintf("%s %v -> %v", protocol, c.LocalAddr(), config.Server),
		slog.String("protocol", protocol), slog.Any("local", c.LocalAddr()), slog.Any("remote", config.Server))
	events.Print("observed", g.Observed.String(), slog.Any("observed", g.Observed))
	events.Print("allocated", fmt.Sprintf("%v, for %s", g.Relayed, dial.Seconds(g.Lifetime)),
		slog.Any("relayed", g.Relayed), slog.Float64("lifetime", g.Lifetime.Seconds()))
	err = do(ctx, c)
	// Also when the program is to end: the server would keep it for its lifetime.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	if c.Release(last) == nil {
		events.Print("released", g.Relayed.String(), slog.Any("relayed", g.Relayed))
	}
	return err
}

// releaseLimit is how long the end of an allocation may take. A program ends within a
// second of SIGTERM.
const releaseLimit = 500 * time.Millisecond

func (f *clientFlags) config(ctx context.Context, server string) (ClientConfig, error) {
	r, err := addr.ParseRemote(server, DefaultPort)
	if err != nil {
		return ClientConfig{}, node.Usagef("server %w", err)
	}
	if f.user == "" || f.password == "" {
		return ClientConfig{}, node.Usagef("--user and --password: a TURN server asks who uses it")
	}
	if f.lifetime < 0 || f.lifetime > 0 && f.lifetime < time.Second {
		return ClientConfig{}, node.Usagef("--lifetime %v: want whole seconds, or 0", f.lifetime)
	}
	c := ClientConfig{TCP: f.tcp, User: f.user, Password: f.password}
	if f.bind != "" {
		if c.Local, err = addr.Local(f.bind); err != nil {
			return ClientConfig{}, node.Usagef("--bind %w", err)
		}
	}
	servers, err := dial.Resolve(ctx, r)
	if err != nil {
		return ClientConfig{}, err
	}
	c.Server = servers[0]
	return c, nil
}
