package probe

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
	stunserver "github.com/crosslan/crosslan/nodes/internal/stun"
)

// Command returns the command probe of the program client.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "probe",
		Short: "Find out what is between this host and the rest of the world",
	}
	cmd.AddCommand(natCommand())
	return cmd
}

// flags are those of probe nat.
type flags struct {
	udp, tcp, json, lifetime bool

	bind                     string
	timeout, max, resolution time.Duration
}

func natCommand() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "nat STUN-ADDR",
		Short: "Measure what the NAT before this host does (RFC 5780)",
		Long: `Ask a STUN server that has two addresses and two ports, and conclude from its
answers what the NAT before this host does: its mapping and filtering behaviour by
the names of RFC 4787, for UDP and TCP; and for UDP whether it hairpins and
preserves ports. Where there is no NAT, the filtering is a firewall's.

With --lifetime also how long a UDP mapping lives. The search takes a little longer
than the lifetime itself.`,
		Example: `  client probe nat 198.18.7.10:3478
  client probe nat 198.18.7.10:3478 --udp --bind :4000 --json
  client probe nat 198.18.7.10:3478 --udp --lifetime --max 2m`,
		Args: cobra.ArbitraryArgs,
	}
	all := cmd.Flags()
	all.BoolVar(&f.udp, "udp", false, "only UDP")
	all.BoolVar(&f.tcp, "tcp", false, "only TCP")
	all.BoolVar(&f.json, "json", false, "print one JSON object")
	all.StringVar(&f.bind, "bind", "", "measure the mapping from this address or port: IP:PORT, IP or :PORT; the filtering from the next port")
	all.DurationVar(&f.timeout, "timeout", 600*time.Millisecond, "silence for so long is a no; a question is asked again every 200ms of it")
	all.BoolVar(&f.lifetime, "lifetime", false, "search also for the lifetime of a UDP mapping")
	all.DurationVar(&f.max, "max", 6*time.Minute, "greatest lifetime to search for")
	all.DurationVar(&f.resolution, "resolution", 0, "search again and again until the lifetime is known within this (0: once, within an eighth)")
	cmd.RunE = f.run
	return cmd
}

func (f *flags) run(cmd *cobra.Command, args []string) error {
	o, err := f.options(cmd, args)
	if err != nil {
		return err
	}
	events := node.From(cmd.Context())
	if o.Search != nil && !f.json {
		o.Search.Alive = func(age time.Duration) { printAlive(events, age) }
	}
	r, err := Measure(cmd.Context(), o)
	if r.UDP == nil && r.TCP == nil {
		return err
	}
	if !f.json {
		r.Print(events)
		return err
	}
	e := json.NewEncoder(cmd.OutOrStdout())
	e.SetIndent("", "  ")
	if encodeErr := e.Encode(r); encodeErr != nil {
		return fmt.Errorf("print the result: %w", encodeErr)
	}
	return err
}

// options checks the flags.
func (f *flags) options(cmd *cobra.Command, args []string) (Options, error) {
	o := Options{UDP: f.udp || !f.tcp, TCP: f.tcp || !f.udp, Silence: f.timeout}
	if len(args) != 1 {
		return o, node.Usagef("which STUN server? Give its address: client probe nat 198.18.7.10:%d", stunserver.DefaultPort)
	}
	remote, err := addr.ParseRemote(args[0], stunserver.DefaultPort)
	if err != nil {
		return o, node.Usagef("%w", err)
	}
	if f.timeout < 10*time.Millisecond || f.timeout > time.Minute {
		return o, node.Usagef("--timeout %v: must be from 10ms to 1m", f.timeout)
	}
	if f.bind != "" {
		if o.Local, err = addr.Local(f.bind); err != nil {
			return o, node.Usagef("--bind %w", err)
		}
	}
	if err := f.search(cmd, &o); err != nil {
		return o, err
	}
	remotes, err := dial.Resolve(cmd.Context(), remote)
	if err != nil {
		return o, err
	}
	o.Server = remotes[0]
	if ip := o.Local.Addr(); ip.IsValid() && ip.Is4() != o.Server.Addr().Is4() {
		return o, node.Usagef("--bind %v cannot reach %v: one is IPv4, the other IPv6", ip, o.Server)
	}
	return o, nil
}

func (f *flags) search(cmd *cobra.Command, o *Options) error {
	if !f.lifetime {
		for _, name := range []string{"max", "resolution"} {
			if cmd.Flags().Changed(name) {
				return node.Usagef("--%s is for --lifetime", name)
			}
		}
		return nil
	}
	switch {
	case !o.UDP:
		return node.Usagef("--lifetime is for UDP, and --tcp leaves it out")
	case f.max < time.Second || f.max > 24*time.Hour:
		return node.Usagef("--max %v: must be from 1s to 24h", f.max)
	case f.resolution != 0 && f.resolution < 100*time.Millisecond:
		return node.Usagef("--resolution %v: must be 100ms or more", f.resolution)
	}
	o.Search = &Search{Max: f.max, Resolution: f.resolution}
	return nil
}
