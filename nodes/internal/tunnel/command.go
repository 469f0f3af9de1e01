package tunnel

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// defaultPort is the one in examples and errors.
const defaultPort = 7000

// tokenFlags are how both sides are told the token.
type tokenFlags struct{ token, file string }

func (t *tokenFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.token, "token", "", "the secret of both sides; other users of this machine may see it")
	cmd.Flags().StringVar(&t.file, "token-file", "", "a file with the secret")
	cmd.MarkFlagsMutuallyExclusive("token", "token-file")
}

func (t *tokenFlags) read() ([]byte, error) {
	if t.file == "" {
		return []byte(t.token), nil
	}
	b, err := os.ReadFile(t.file)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("--token-file %s: %w", t.file, err)
	}
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return nil, fmt.Errorf("--token-file %s: the file is empty", t.file)
	}
	return b, nil
}

// RelayCommand returns the command tunnel of the program relay.
func RelayCommand() *cobra.Command {
	o := DefaultOptions()
	var token tokenFlags
	var publish, allowed string
	cmd := &cobra.Command{
		Use:   "tunnel LISTEN",
		Short: "Publish servers that stand behind a NAT, for clients that dial out to here",
		Long: `Publish servers that stand behind a NAT. "client tunnel", run beside the server, dials
out to LISTEN, shows that it has the token, and names the ports that it wants; what
arrives at those ports is carried to it. The bytes are not encrypted.`,
		Example: `  relay tunnel 198.18.14.20:7000 --token-file /run/secrets/tunnel
  relay tunnel :7000 --token secret --allow-ports 8000-8999,tcp:22,udp:5353`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Listen, err = addr.Listen(args[0], defaultPort); err != nil {
				return node.Usagef("%w", err)
			}
			if publish != "" {
				at, err := addr.Listen(publish, 0)
				if err != nil || at.Port() != 0 {
					return node.Usagef("--publish-on %q: want an IP address of this host", publish)
				}
				o.Publish = at.Addr()
			}
			if allowed != "" {
				if o.Allowed, err = ParsePorts(allowed); err != nil {
					return node.Usagef("--allow-ports %w", err)
				}
			}
			if o.Token, err = token.read(); err == nil {
				err = o.check()
			}
			if err != nil {
				return node.Usagef("%w", err)
			}
			r, err := Listen(cmd.Context(), o, node.From(cmd.Context()))
			if err != nil {
				return err
			}
			return r.Serve(cmd.Context())
		},
	}
	token.add(cmd)
	f := cmd.Flags()
	f.StringVar(&publish, "publish-on", "", "address that ports are published on (default that of LISTEN)")
	f.StringVar(&allowed, "allow-ports", "", "ports that clients may publish, such as 8000-8999,tcp:22 (default "+Unprivileged.String()+")")
	f.DurationVar(&o.Keepalive, "keepalive", o.Keepalive, "try the line this often")
	f.DurationVar(&o.Idle, "idle", o.Idle, "end a TCP connection over which nothing has moved for so long; 0 never")
	f.DurationVar(&o.Lifetime, "lifetime", o.Lifetime, "end a UDP session over which nothing has moved for so long")
	f.IntVar(&o.MaxConnections, "max-connections", o.MaxConnections, "outside TCP connections at once; one more waits")
	f.IntVar(&o.MaxSessions, "max-sessions", o.MaxSessions, "UDP sessions at once, of each port; datagrams of one more are dropped")
	return cmd
}

// Command returns the command tunnel of the program client.
func Command() *cobra.Command {
	o := DefaultClientOptions()
	var token tokenFlags
	cmd := &cobra.Command{
		Use:   "tunnel RELAY PROTOCOL:PORT=TARGET...",
		Short: "Publish servers of this LAN on a relay tunnel, without touching the router",
		Long: `Dial out to a "relay tunnel" and have it publish each PORT: what arrives there comes
back through that one connection, and goes to TARGET. A line that is lost is dialed
again. A server sees this host as its client, unless it is told more by --proxy-protocol.`,
		Example: `  client tunnel 198.18.14.20:7000 --token-file secret tcp:8080=127.0.0.1:8080
  client tunnel 198.18.14.20:7000 --token-file secret tcp:8080=127.0.0.1:8080 udp:5353=10.14.1.11:53`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Relay, err = addr.ParseRemote(args[0], defaultPort); err != nil {
				return node.Usagef("%w", err)
			}
			for _, arg := range args[1:] {
				f, err := ParseForward(arg)
				if err != nil {
					return node.Usagef("%w", err)
				}
				o.Forwards = append(o.Forwards, f)
			}
			if o.Token, err = token.read(); err != nil {
				return node.Usagef("%w", err)
			}
			c, err := NewClient(o, node.From(cmd.Context()))
			if err != nil {
				return node.Usagef("%w", err)
			}
			return c.Run(cmd.Context())
		},
	}
	token.add(cmd)
	f := cmd.Flags()
	f.DurationVar(&o.Keepalive, "keepalive", o.Keepalive, "try the line this often")
	f.IntVar(&o.MaxConnections, "max-connections", o.MaxConnections, "TCP connections and UDP sessions at once; one more is refused")
	f.BoolVar(&o.ProxyProtocol, "proxy-protocol", false, "tell the server who calls: begin each TCP connection with a PROXY protocol v2 header")
	return cmd
}
