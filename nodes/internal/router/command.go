package router

import (
	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Command returns the program router.
func Command() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "router",
		Short: "Join networks: addresses, routes, forwarding and NAT",
		Long: `Take the addresses, set the routes and forward packets until told to stop. The
default route that the engine gave is deleted, unless --route asks for one. With
--outside, translate addresses in the kernel as RFC 4787 describes; with an IPv6
outside, only filter. With --port-mapping, hosts of the inside may have ports opened
to themselves, by NAT-PMP (RFC 6886), PCP (RFC 6887) or UPnP.`,
		Example: `  router --address 10.3.1.1/24 --address 10.3.2.1/24
  router --address 10.2.1.1/24 --blackhole 10.2.3.0/24
  router --address 10.5.1.1/24 --inside 10.5.1.0/24 --outside 198.18.5.0/24 \
      --mapping endpoint-independent --filtering address-dependent
  router show`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	all := cmd.Flags()
	all.StringArrayVar(&f.addresses, "address", nil, "take this address, on the interface in its subnet: 10.3.1.1/24")
	all.StringArrayVar(&f.routes, "route", nil, "send this subnet's packets to another router: 10.3.9.0/24=10.3.2.7")
	all.StringArrayVar(&f.blackholes, "blackhole", nil, "drop this subnet's packets without a word")
	all.StringArrayVar(&f.unreachables, "unreachable", nil, "answer this subnet's packets with ICMP host unreachable")
	all.StringArrayVar(&f.prohibits, "prohibit", nil, "answer this subnet's packets with ICMP administratively prohibited")
	f.translation.addFlags(all)
	cmd.AddCommand(showCommand(), setCommand(), flushCommand())
	return cmd
}

func (f flags) run(cmd *cobra.Command) error {
	c, err := f.config()
	if err != nil {
		return node.Usagef("%w", err)
	}
	sides, err := f.translation.parse()
	if err != nil {
		return node.Usagef("%w", err)
	}
	if err := sides.check(c.Addresses); err != nil {
		return err
	}
	events := node.From(cmd.Context())
	if err := Apply(c, events); err != nil {
		return err
	}
	if err := sides.apply(events); err != nil {
		return err
	}
	serve, err := f.portMapping.listen(cmd.Context(), sides.nat, c.Addresses)
	if err != nil {
		return err
	}
	events.Ready("forwarding")
	return serve(cmd.Context())
}

func showCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show addresses, routes, forwarding and NAT as the kernel has them",
		Args:  cobra.NoArgs,
	}
	asJSON := cmd.Flags().Bool("json", false, "print one JSON object")
	cmd.AddCommand(showNATCommand())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		state, err := ReadState()
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), state)
		}
		state.print(node.From(cmd.Context()))
		return nil
	}
	return cmd
}
