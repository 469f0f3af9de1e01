package stun

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Command returns the command stun of the program server.
func Command() *cobra.Command {
	var primary, alternate string
	var c Config
	cmd := &cobra.Command{
		Use:   "stun",
		Short: "Tell clients their observed address, and help them to find out about their NAT",
		Long: `Answer STUN Binding requests over UDP and TCP (RFC 8489). With a second address
that this node has, also those of NAT behaviour discovery (RFC 5780): the server
then listens on both addresses with both ports, and answers from another address or
port when it is asked to. client probe nat asks.`,
		Example: `  server stun
  server stun --primary 198.18.7.10:3478 --alternate 198.19.7.10:3479`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&primary, "primary", ":3478", "address that clients ask first: IP:PORT, IP or :PORT")
	f.StringVar(&alternate, "alternate", "", "another address of this node, and another port: IP:PORT or IP")
	f.BoolVar(&c.Quiet, "quiet", false, "print no event of a client")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var err error
		if c.Primary, err = addr.Listen(primary, DefaultPort); err != nil {
			return node.Usagef("--primary %w", err)
		}
		if alternate != "" {
			if c.Alternate, err = addr.Listen(alternate, DefaultAlternatePort); err != nil {
				return node.Usagef("--alternate %w", err)
			}
		}
		ctx := cmd.Context()
		s, err := Listen(ctx, c)
		if err != nil {
			return err
		}
		node.From(ctx).Ready(s.String(), slog.Any("primary", c.Primary), slog.Any("alternate", c.Alternate))
		return s.Serve(ctx)
	}
	return cmd
}
