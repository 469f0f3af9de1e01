package api

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// defaultLimit is longer than the kernel's own patience in connect, which is two
// minutes with the default of net.ipv4.tcp_syn_retries.
const defaultLimit = 3 * time.Minute

// forever is the time of a poll that waits without limit.
const forever = -time.Millisecond

// soon is the time of a poll for what comes at once.
const soon = 10 * time.Second

// ClientCommand returns the command api of the program client.
func ClientCommand() *cobra.Command {
	return command("client", func(t topic) *side { return t.client })
}

// ServerCommand returns the command api of the program server.
func ServerCommand() *cobra.Command {
	return command("server", func(t topic) *side { return t.server })
}

// settings are the flags of every topic.
type settings struct {
	lang  Lang
	limit time.Duration
}

// command returns the command api: a command for each topic that the program has
// a side in.
func command(program string, sideOf func(topic) *side) *cobra.Command {
	set := &settings{lang: English}
	cmd := &cobra.Command{
		Use:   "api",
		Short: "Make the socket calls of a topic, and print what each returns",
		Long: `Make the socket calls of a topic, a real system call each, and print each with
what the kernel returned. The ADDR of a client is its server's; that of a server
is where it listens, by default on every address, port 50007.`,
		Example: fmt.Sprintf("  %s api list\n  %s api tcp 10.1.1.11:50007\n  %s api types --lang zh", program, program, program),
	}
	f := cmd.PersistentFlags()
	f.Var(&set.lang, "lang", "language of the notes")
	f.DurationVar(&set.limit, "limit", defaultLimit, "end the topic if a call takes longer; a server waits for its first caller without limit")
	var mine []topic
	for _, t := range topics() {
		s := t.alone
		if s == nil {
			s = sideOf(t)
		}
		if s == nil {
			continue
		}
		mine = append(mine, t)
		cmd.AddCommand(topicCommand(t, s, set))
	}
	cmd.AddCommand(listCommand(mine, set))
	return cmd
}

// listCommand prints the topics, a line each.
func listCommand(list []topic, set *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the topics",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, t := range list {
				node.From(cmd.Context()).Line("topic", fmt.Sprintf("%-15s %s", t.name, t.about.in(set.lang)))
			}
			return nil
		},
	}
}

func topicCommand(t topic, s *side, set *settings) *cobra.Command {
	cmd := &cobra.Command{Use: t.name + s.takes.usage(), Short: t.about.en, Args: cobra.ArbitraryArgs}
	run := s.script(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if set.limit <= 0 {
			return node.Usagef("--limit %v: must be more than nothing, such as 30s", set.limit)
		}
		ctx := cmd.Context()
		at, err := s.takes.addresses(ctx, strings.TrimSuffix(cmd.CommandPath(), " "), args)
		if err != nil {
			return err
		}
		lowDescriptors()
		st := &story{topic: t.name, events: node.From(ctx), lang: set.lang, limit: set.limit}
		return st.tell(ctx, run, at)
	}
	return cmd
}

// addresses reads the arguments.
func (t takes) addresses(ctx context.Context, command string, args []string) ([]netip.AddrPort, error) {
	switch {
	case t == takesServers:
		return remotes(ctx, args)
	case t == takesServer && len(args) == 0:
		return nil, node.Usagef("which server? Give its address: %s 10.1.1.11:%d", command, defaultPort)
	case t == takesNothing && len(args) > 0:
		return nil, node.Usagef("%s: this topic takes no address", args[0])
	case len(args) > 1:
		return nil, node.Usagef("%s: one address is enough", args[1])
	case t == takesServer:
		return remotes(ctx, args)
	case t == takesListen:
		return listenAddress(args)
	case t == takesLocal && len(args) == 1:
		return localAddress(args[0])
	case t == takesHost && len(args) == 1:
		return hostAddress(args[0])
	}
	return []netip.AddrPort{loopback}, nil
}

// remotes resolves the addresses to connect to; of a name that has several, the
// first counts.
func remotes(ctx context.Context, args []string) ([]netip.AddrPort, error) {
	at := make([]netip.AddrPort, 0, len(args))
	for _, arg := range args {
		r, err := addr.ParseRemote(arg, defaultPort)
		if err != nil {
			return nil, node.Usagef("%w", err)
		}
		all, err := dial.Resolve(ctx, r)
		if err != nil {
			return nil, err
		}
		at = append(at, all[0])
	}
	return at, nil
}

func listenAddress(args []string) ([]netip.AddrPort, error) {
	a, err := addr.Listen(strings.Join(args, ""), defaultPort)
	if err != nil {
		return nil, node.Usagef("%w", err)
	}
	return []netip.AddrPort{a}, nil
}

func localAddress(arg string) ([]netip.AddrPort, error) {
	a, err := addr.Listen(arg, 0)
	if err != nil {
		return nil, node.Usagef("%w", err)
	}
	return []netip.AddrPort{a}, nil
}

func hostAddress(arg string) ([]netip.AddrPort, error) {
	a, err := netip.ParseAddr(arg)
	if err != nil || !a.Is4() {
		return nil, node.Usagef("%q is not an IPv4 address; write 10.1.1.11", arg)
	}
	return []netip.AddrPort{netip.AddrPortFrom(a, 0)}, nil
}
