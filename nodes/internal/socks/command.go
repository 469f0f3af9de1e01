package socks

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Command returns the command socks of the program relay.
func Command() *cobra.Command {
	c := DefaultConfig()
	var users []string
	var file string
	cmd := &cobra.Command{
		Use:   "socks [LISTEN...]",
		Short: "Carry TCP and UDP to where the client says, by SOCKS5 and HTTP CONNECT",
		Long: `Serve SOCKS5 (RFC 1928: CONNECT and UDP ASSOCIATE, with RFC 1929's name and password)
and HTTP CONNECT (with Basic) on one port. Names are looked up here. Loopback, the
relay's own addresses and others that only it should reach are refused unless an
--allow is about them alone.`,
		Example: `  relay socks
  relay socks 10.22.1.20:1080 --user ann:secret
  relay socks :1080 :8080 --users /run/users --allow 198.18.0.0/15:443 --deny 10.0.0.0/8`,
	}
	f := cmd.Flags()
	f.StringArrayVar(&users, "user", nil, "let NAME:PASSWORD use it, and nobody else; may be repeated. Others on this host can read command lines: better --users")
	f.StringVar(&file, "users", "", "a file with a NAME:PASSWORD a line")
	c.Rules.AddFlags(f)
	f.DurationVar(&c.Handshake, "handshake", c.Handshake, "how long a client may take to say what it wants")
	f.DurationVar(&c.Connect, "connect", c.Connect, "how long the target may take, its name's lookup included")
	f.DurationVar(&c.Idle, "idle", c.Idle, "end a connection over which nothing has moved for so long; 0 never")
	f.DurationVar(&c.Lifetime, "lifetime", c.Lifetime, "end a UDP association over which nothing has moved for so long")
	f.IntVar(&c.MaxConnections, "max-connections", c.MaxConnections, "clients at once; one more waits")
	f.IntVar(&c.MaxPerSource, "max-per-source", c.MaxPerSource, "clients at once of one IPv4 address or IPv6 /64; one more is reset")
	f.IntVar(&c.MaxAssociations, "max-associations", c.MaxAssociations, "UDP associations at once; one more is refused")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.listen(args); err != nil {
			return node.Usagef("%w", err)
		}
		if err := c.addUsers(users, file); err != nil {
			return node.Usagef("%w", err)
		}
		if err := c.check(); err != nil {
			return node.Usagef("%w", err)
		}
		ctx := cmd.Context()
		s, err := Listen(ctx, c, node.From(ctx))
		if err != nil {
			return err
		}
		return s.Serve(ctx)
	}
	return cmd
}

// listen reads the addresses to listen on, if any are given.
func (c *Config) listen(args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.Listen = nil
	for _, s := range args {
		a, err := addr.Listen(s, DefaultPort)
		if err != nil {
			return err
		}
		c.Listen = append(c.Listen, a)
	}
	return nil
}

// addUsers adds the users of the command line and of a file. A password does not
// become a part of an error.
func (c *Config) addUsers(users []string, file string) error {
	for _, s := range users {
		if err := c.Users.Add(s); err != nil {
			return fmt.Errorf("--user: %w", err)
		}
	}
	if file == "" {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("--users: %w", err)
	}
	defer f.Close()
	if err := c.Users.Read(f); err != nil {
		return fmt.Errorf("--users %s: %w", file, err)
	}
	if len(c.Users) == 0 {
		return fmt.Errorf("--users %s: has no user, and would let everybody in", file)
	}
	return nil
}
