package names

import (
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Command returns the command resolve.
func Command() *cobra.Command {
	r := resolve{hosts: hostsPath, conf: resolvConfPath}
	var server string
	var types family
	cmd := &cobra.Command{
		Use:   "resolve NAME",
		Short: "Show step by step how a name becomes an address",
		Long: `Show how a name becomes an address, as getaddrinfo does it: first the hosts file
(/etc/hosts), then DNS, whose server is in /etc/resolv.conf. With --server that server
is asked and neither file is read.

Of "", 0.0.0.0 and localhost it also shows what bind makes of them: it binds a server
there and connects to it by each of this host's addresses.`,
		Example: `  client resolve host-b
  client resolve web.example --server 10.1.1.53
  client resolve localhost
  client resolve ""`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.name, r.types = args[0], types.types()
			if cmd.Flags().Changed("timeout") && r.timeout <= 0 {
				return node.Usagef("--timeout %v: must be more than nothing, such as 1s", r.timeout)
			}
			if server != "" {
				var err error
				if r.server, err = addr.Listen(server, 53); err != nil {
					return node.Usagef("--server %w", err)
				}
			}
			return r.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&server, "server", "", "ask this server: IP or IP:PORT")
	f.Var(&types, "type", "ask for addresses of one family only: A (IPv4) or AAAA (IPv6)")
	f.DurationVar(&r.timeout, "timeout", 0, "wait this long for a server (default: what resolv.conf says, or 5s)")
	return cmd
}

// family is the type of record that is asked for. It is a pflag.Value.
type family string

const (
	both family = ""
	ipv4 family = "A"
	ipv6 family = "AAAA"
)

func (f *family) String() string { return string(*f) }
func (f *family) Type() string   { return "A|AAAA" }

func (f *family) Set(s string) error {
	switch v := family(s); v {
	case ipv4, ipv6:
		*f = v
		return nil
	}
	return fmt.Errorf("no such type of address; choose %s or %s", ipv4, ipv6)
}

func (f family) types() []dnsmessage.Type {
	switch f {
	case ipv4:
		return []dnsmessage.Type{dnsmessage.TypeA}
	case ipv6:
		return []dnsmessage.Type{dnsmessage.TypeAAAA}
	case both:
	}
	return []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA}
}
