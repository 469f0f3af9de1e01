package turn

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Command returns the command turn of the program relay.
func Command() *cobra.Command {
	c := DefaultConfig()
	var f flags
	cmd := &cobra.Command{
		Use:   "turn",
		Short: "Be a TURN server: relayed transport addresses for clients behind any NAT",
		Long: `Serve TURN (RFC 8656) over UDP and TCP, with long-term credentials. A client is given
a relayed transport address on this node, and what it exchanges with the peers that it
permits passes through it. Also answers STUN Binding requests.

Never peers are: loopback, unspecified, multicast, broadcast and link-local addresses, and
this node's own, in every form that IPv6 has for them, unless --allow names them.`,
		Example: `  relay turn --user alice:wonderland
  relay turn --listen 198.18.13.20:3478 --users /run/users --deny 10.0.0.0/8
  relay turn --secret-file /run/secret --max-per-user 10 --rate 250000`,
		Args: cobra.NoArgs,
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&f.listen, "listen", []string{":3478"}, "address that clients come to: IP:PORT, IP or :PORT; may be repeated")
	fs.StringVar(&f.public, "public", "", "address that clients are told for their allocations, where this node is behind a NAT that forwards the ports")
	fs.StringVar(&f.ports, "ports", fmt.Sprintf("%d-%d", c.FirstPort, c.LastPort), "ports of relayed transport addresses, FIRST-LAST")
	fs.StringVar(&f.realm, "realm", DefaultRealm, "realm of the credentials")
	fs.StringArrayVar(&f.user, "user", nil, "a user, NAME:PASSWORD; may be repeated")
	fs.StringVar(&f.users, "users", "", "file of users, a NAME:PASSWORD a line")
	fs.StringVar(&f.secret, "secret", "", "secret shared with a service that gives out passwords for some time (coturn's static-auth-secret)")
	fs.StringVar(&f.secretFile, "secret-file", "", "file that holds the secret")
	c.Peers.AddFlags(fs)
	fs.DurationVar(&c.Lifetime, "lifetime", c.Lifetime, "of an allocation that asks for none")
	fs.DurationVar(&c.MaxLifetime, "max-lifetime", c.MaxLifetime, "of an allocation that asks for more")
	fs.DurationVar(&c.PermissionLifetime, "permission-lifetime", c.PermissionLifetime, "of a permission")
	fs.DurationVar(&c.ChannelLifetime, "channel-lifetime", c.ChannelLifetime, "of a channel")
	fs.IntVar(&c.MaxAllocations, "max-allocations", c.MaxAllocations, "allocations at once")
	fs.IntVar(&c.MaxPerUser, "max-per-user", c.MaxPerUser, "allocations at once of one user")
	fs.IntVar(&c.MaxPermissions, "max-permissions", c.MaxPermissions, "permissions of an allocation, and channels")
	fs.IntVar(&c.MaxConnections, "max-connections", c.MaxConnections, "TCP connections of clients at once; one more waits")
	fs.Int64Var(&c.Rate, "rate", c.Rate, "bytes a second of an allocation, in each direction; 0 is no bound")
	fs.Int64Var(&c.UnauthenticatedRate, "unauthenticated-rate", c.UnauthenticatedRate, "answers a second to a source that has no allocation")
	fs.BoolVar(&c.Quiet, "quiet", false, "print no event of a client")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c := c
		if err := f.apply(&c); err != nil {
			return node.Usagef("%w", err)
		}
		ctx := cmd.Context()
		s, err := Listen(ctx, c, node.From(ctx))
		if err != nil {
			return err
		}
		node.From(ctx).Ready(s.String())
		return s.Serve(ctx)
	}
	return cmd
}

// flags are those whose values have to be read.
type flags struct {
	listen, user                                    []string
	public, ports, realm, users, secret, secretFile string
}

func (f *flags) apply(c *Config) (err error) {
	for _, s := range f.listen {
		at, err := addr.Listen(s, DefaultPort)
		if err != nil {
			return fmt.Errorf("--listen %w", err)
		}
		c.Listen = append(c.Listen, at)
	}
	if f.public != "" {
		if c.Public, err = netip.ParseAddr(f.public); err != nil {
			return fmt.Errorf("--public %q is not an IP address", f.public)
		}
	}
	if c.FirstPort, c.LastPort, err = parsePorts(f.ports); err != nil {
		return err
	}
	c.Users, err = f.readUsers()
	return err
}

func (f *flags) readUsers() (*Users, error) {
	if f.realm == "" || len(f.realm) > 127 {
		return nil, errors.New("--realm: want a word of at most 127 bytes")
	}
	u := NewUsers(f.realm)
	for _, s := range f.user {
		if err := u.Add(s); err != nil {
			return nil, fmt.Errorf("--user: %w", err)
		}
	}
	if f.users != "" {
		file, err := os.Open(f.users)
		if err != nil {
			return nil, fmt.Errorf("--users: %w", err)
		}
		defer file.Close()
		if err := u.Read(file); err != nil {
			return nil, fmt.Errorf("--users %s: %w", f.users, err)
		}
	}
	secret := f.secret
	if f.secretFile != "" {
		b, err := os.ReadFile(f.secretFile)
		if err != nil {
			return nil, fmt.Errorf("--secret-file: %w", err)
		}
		secret = strings.TrimSpace(string(b))
	}
	u.SetSecret(secret)
	return u, nil
}

// parsePorts reads FIRST-LAST.
func parsePorts(s string) (first, last uint16, err error) {
	a, b, found := strings.Cut(s, "-")
	x, xErr := strconv.ParseUint(a, 10, 16)
	y, yErr := strconv.ParseUint(b, 10, 16)
	if !found || xErr != nil || yErr != nil || x == 0 || y < x {
		return 0, 0, fmt.Errorf("--ports %q: want FIRST-LAST, from 1 to 65535", s)
	}
	return uint16(x), uint16(y), nil
}
