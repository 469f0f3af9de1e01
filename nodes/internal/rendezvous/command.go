package rendezvous

import (
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Command returns the command rendezvous of the program server.
func Command() *cobra.Command {
	c := DefaultConfig()
	cmd := &cobra.Command{
		Use:   "rendezvous [LISTEN...]",
		Short: "Introduce clients that share a token to each other, so that they can punch",
		Long: `Introduce two clients to each other that share a token: each learns under which
address this server observes the other. client punch asks. Each LISTEN is
[IP]:PORT, :PORT or IP, for UDP and for TCP; a second one lets clients find out
how their NAT chooses ports (client punch --predict).`,
		Example: `  server rendezvous
  server rendezvous :3480 :3481`,
	}
	AddFlags(cmd, &c)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.Parse(args); err != nil {
			return err
		}
		ctx := cmd.Context()
		s, err := Listen(ctx, c)
		if err != nil {
			return err
		}
		s.Ready(ctx)
		return s.Serve(ctx)
	}
	return cmd
}

// AddFlags adds the flags that set c's limits.
func AddFlags(cmd *cobra.Command, c *Config) {
	f := cmd.Flags()
	f.IntVar(&c.Limits.Clients, "max-clients", c.Limits.Clients, "clients that are registered at once")
	f.IntVar(&c.Limits.PerSource, "max-per-source", c.Limits.PerSource, "of them from one IPv4 address, or one /64 of IPv6")
	f.IntVar(&c.MaxConnections, "max-connections", c.MaxConnections, "TCP connections at once, registered or not")
	f.DurationVar(&c.Limits.Lifetime, "lifetime", c.Limits.Lifetime, "forget a client that is silent for so long")
	f.DurationVar(&c.HalfOpen, "half-open", c.HalfOpen, "end a TCP connection that has not registered within this time")
	f.BoolVar(&c.Quiet, "quiet", false, "print no event of a client")
}

// Parse reads where to listen, and checks the limits.
func (c *Config) Parse(args []string) error {
	switch {
	case c.Limits.Clients < 1, c.Limits.PerSource < 1, c.MaxConnections < 1:
		return node.Usagef("--max-clients, --max-per-source and --max-connections must be at least 1")
	case c.Limits.Lifetime <= 0 || c.HalfOpen <= 0:
		return node.Usagef("--lifetime and --half-open must be more than nothing, such as 10s")
	case len(args) == 0:
		return nil
	}
	port := c.Listen[0].Port() // the default's
	c.Listen = nil
	seen := map[netip.AddrPort]bool{}
	for _, arg := range args {
		a, err := addr.Listen(arg, port)
		if err != nil {
			return node.Usagef("%w", err)
		}
		if seen[a] && a.Port() != 0 {
			return node.Usagef("%v is given twice", a)
		}
		seen[a] = true
		c.Listen = append(c.Listen, a)
	}
	return nil
}
