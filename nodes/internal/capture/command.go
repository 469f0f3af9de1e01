// Package capture is the command capture of the program client: it shows the
// packets that go through the network namespace in which it runs.
package capture

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Command returns the command capture.
func Command() *cobra.Command {
	var c capture
	var on string
	cmd := &cobra.Command{
		Use:   "capture",
		Short: "Show the packets that pass this host (needs NET_RAW)",
		Long: `Show the packets that come to this host and leave it, one a line: the time since
the first, who to whom, and what. TCP's numbers are relative to the first of each
direction. With --layers, every field of every header.

It needs root and the capability NET_RAW, and sees the network namespace it runs in. In
Compose it is a service of its own beside the host:

  network_mode: service:host-b
  cap_drop: [ALL]
  cap_add: [NET_RAW]
  command: [client, capture, --tcp, --port=50007]

Among containers a TCP or UDP checksum is as a rule "left to the network card":
the kernel leaves it out where no wire can damage the packet.`,
		Example: `  client capture --tcp --port 50007
  client capture --arp --icmp --count 4
  client capture --udp --layers --count 1
  client capture --tcp --data
  client capture --tcp --until fin --write /data/handshake.pcapng`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.count < 0 {
				return node.Usagef("--count %d: must be 0, for no end, or more", c.count)
			}
			var err error
			if on != "" {
				if c.index, err = interfaceOf(on); err != nil {
					return node.Usagef("--on %w", err)
				}
			}
			return c.run(cmd.Context(), node.From(cmd.Context()))
		},
	}
	f := cmd.Flags()
	f.BoolVar(&c.filter.tcp, "tcp", false, "only TCP, and what else is asked for")
	f.BoolVar(&c.filter.udp, "udp", false, "only UDP, and what else is asked for")
	f.BoolVar(&c.filter.arp, "arp", false, "only ARP, and what else is asked for")
	f.BoolVar(&c.filter.icmp, "icmp", false, "only ICMP and ICMPv6, and what else is asked for")
	f.Var(&c.filter.ports, "port", "only packets from or to this port, and ICMP errors about them; may be repeated")
	f.Var(&c.filter.hosts, "host", "only packets from or to this address; may be repeated")
	f.StringVar(&on, "on", "", "only the interface that has this address, or one of this subnet: 10.1.1.1 or 10.1.1.0/24")
	f.BoolVar(&c.data, "data", false, "only packets that carry bytes of a program")
	f.BoolVar(&c.layers, "layers", false, "show every field of every header")
	f.IntVar(&c.count, "count", 0, "end after this many packets (0: go on)")
	f.Var(&c.until, "until", "fin: end when a TCP connection has been closed by both ends, or reset")
	f.StringVar(&c.path, "write", "", "also write the packets to this file (pcapng)")
	return cmd
}

// moment is what ends a capture beside its count. It is a pflag.Value.
type moment string

const fin moment = "fin" // a TCP connection is over

func (m *moment) String() string { return string(*m) }
func (m *moment) Type() string   { return "fin" }

func (m *moment) Set(s string) error {
	if moment(s) != fin {
		return fmt.Errorf("no such moment; there is %s", fin)
	}
	*m = fin
	return nil
}
