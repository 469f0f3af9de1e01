package client

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/proxy"
)

// moment is when a client asks for its observed address. It is a pflag.Value.
type moment string

const (
	first moment = "first" // before the exchange
	after moment = "after" // after the exchange
	never moment = "no"    // not at all
)

func (m *moment) String() string { return string(*m) }

func (m *moment) Set(s string) error {
	switch v := moment(s); v {
	case first, after, never:
		*m = v
		return nil
	}
	return fmt.Errorf("no such moment; choose %s, %s or %s", first, after, never)
}

func (m *moment) Type() string { return "first|after|no" }

// options are what the flags of a client say.
type options struct {
	udp     bool
	observe moment
	bind    string
	timeout time.Duration // for each step
	dial    dial.Options
	nagle   bool         // TCP_NODELAY, which Go sets, is off
	through string       // the proxy, as it was given
	proxy   *proxy.Proxy // nil for none
}

// defaultTimeout is the limit of each step; that of connect is the kernel's.
const defaultTimeout = 10 * time.Second

// addFlags adds the flags that all clients have.
func (o *options) addFlags(cmd *cobra.Command, observe moment) {
	o.observe = observe
	f := cmd.Flags()
	f.DurationVar(&o.timeout, "timeout", defaultTimeout, "limit for each step; for connect only if given, otherwise the kernel's holds")
	f.StringVar(&o.bind, "bind", "", "source address to bind to: IP:PORT, IP or :PORT")
	f.StringVar(&o.through, "proxy", "", "go by way of a proxy, which looks names up: socks5://[USER:PASSWORD@]ADDR or http://[USER:PASSWORD@]ADDR")
	f.Var(&o.observe, "observe", "when to ask the server for the address under which it sees this connection")
}

// resolve checks the flags and fills in what follows from them.
func (o *options) resolve(cmd *cobra.Command) error {
	if o.timeout <= 0 {
		return node.Usagef("--timeout %v: must be more than nothing, such as 2s", o.timeout)
	}
	if cmd.Flags().Changed("timeout") {
		o.dial.Limit = o.timeout
	}
	if o.through != "" {
		p, err := proxy.Parse(o.through)
		if err != nil {
			return node.Usagef("--proxy %w", err)
		}
		if o.udp && p.Scheme != proxy.SOCKS5 {
			return node.Usagef("--proxy %v: carries no datagrams; take a socks5 proxy", p)
		}
		o.proxy = p
	}
	if o.bind == "" {
		return nil
	}
	local, err := addr.Local(o.bind)
	if err != nil {
		return node.Usagef("--bind %w", err)
	}
	o.dial.Local = local
	return nil
}
