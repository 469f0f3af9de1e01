package relay

import (
	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Command returns the program relay. The forms of relay that are packages of their own
// import this one, so main hands their commands in.
func Command(forms ...*cobra.Command) *cobra.Command {
	options := DefaultOptions()
	cmd := &cobra.Command{
		Use:   "relay",
		Short: "Carry TCP connections and UDP datagrams between hosts that cannot reach each other",
	}
	cmd.AddCommand(
		forwardCommand("tcp LISTEN=TARGET...", "Carry TCP connections",
			"  relay tcp 10.4.1.20:7000=10.4.2.10:50007\n  relay tcp :7000=host-b:50007 :7001=host-b:8081 --idle 30s",
			&options, func(s string) (Forward, error) { return ParseForward(TCP, s) }),
		forwardCommand("udp LISTEN=TARGET...", "Carry UDP datagrams, in a session for each source",
			"  relay udp 10.4.1.20:7000=10.4.2.10:50007 --lifetime 30s",
			&options, func(s string) (Forward, error) { return ParseForward(UDP, s) }),
		forwardCommand("forward PROTOCOL:LISTEN=TARGET...", "Carry both in one process",
			"  relay forward tcp:10.4.1.20:7000=10.4.2.10:50007 udp:10.4.1.20:7000=10.4.2.10:50007",
			&options, ParseProtocolForward),
	)
	cmd.AddCommand(forms...)
	return cmd
}

func forwardCommand(use, short, example string, options *Options, parse func(string) (Forward, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := options.check(); err != nil {
				return node.Usagef("%w", err)
			}
			var forwards []Forward
			for _, arg := range args {
				f, err := parse(arg)
				if err != nil {
					return node.Usagef("%w", err)
				}
				forwards = append(forwards, f)
			}
			if err := Check(forwards); err != nil {
				return node.Usagef("%w", err)
			}
			r, err := Listen(cmd.Context(), forwards, *options, node.From(cmd.Context()))
			if err != nil {
				return err
			}
			return r.Serve(cmd.Context())
		},
	}
	options.addFlags(cmd)
	return cmd
}

// addFlags adds the flags of every forward.
func (o *Options) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.DurationVar(&o.Idle, "idle", o.Idle, "end a TCP connection over which nothing has moved for so long; 0 never")
	flags.DurationVar(&o.Lifetime, "lifetime", o.Lifetime, "end a UDP session over which nothing has moved for so long")
	flags.IntVar(&o.MaxConnections, "max-connections", o.MaxConnections, "TCP connections at once; one more waits")
	flags.IntVar(&o.MaxSessions, "max-sessions", o.MaxSessions, "UDP sessions at once, of each listener; datagrams of one more are dropped")
}
