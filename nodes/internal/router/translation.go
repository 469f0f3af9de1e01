package router

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/portmap"
)

// translation is what a router is told about NAT or, where its two sides are
// IPv6, about the firewall in their place. Without an outside there is neither.
type translation struct {
	inside, forwards, pinholes []string
	outside                    string
	pool                       []string
	portMapping                portMapping
	behaviour
}

// behaviour is what can be changed while a NAT runs.
type behaviour struct {
	mapping        nat.Mapping
	filtering      nat.Filtering
	permission     nat.Permission
	ports          nat.Ports
	hairpin        bool
	refreshInbound bool
	lifetimes      nat.Lifetimes
}

func (t *translation) addFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&t.inside, "inside", nil, "translate what comes from this subnet: 10.5.1.0/24")
	f.StringVar(&t.outside, "outside", "", "the subnet to the outside: 198.18.5.0/24; without it there is no NAT")
	f.StringArrayVar(&t.pool, "outside-address", nil, "translate to this address; several are a pool (default: the router's own on the outside)")
	f.StringArrayVar(&t.forwards, "forward", nil, "let everybody in here: tcp:8080=10.5.1.10:80")
	f.StringArrayVar(&t.pinholes, "pinhole", nil, "IPv6: let everybody in to this host: tcp:[2001:db8:17:1::10]:80")
	t.portMapping.addFlags(f)
	t.behaviour.addFlags(f, nat.Default())
}

func (b *behaviour) addFlags(f *pflag.FlagSet, d nat.Config) {
	b.lifetimes = d.Lifetimes
	f.Var(textValue{&b.mapping, "kind"}, "mapping", "endpoint-independent, address-dependent or address-and-port-dependent (RFC 4787 section 4.1)")
	f.Var(textValue{&b.filtering, "kind"}, "filtering", "endpoint-independent, address-dependent or address-and-port-dependent (RFC 4787 section 5)")
	f.Var(textValue{&b.permission, "mapping|endpoint"}, "permission", "what a permission to come in belongs to")
	f.Var(textValue{&b.ports, "preserve|random|sequential"}, "port-preservation", "how a new mapping gets its outside port")
	f.BoolVar(&b.hairpin, "hairpin", d.Hairpin, "inside hosts reach each other by their outside addresses")
	f.BoolVar(&b.refreshInbound, "refresh-inbound", d.RefreshInbound, "packets from outside refresh a mapping, too")
	f.Var(&b.lifetimes, "lifetime", "of a mapping, by protocol: udp=30s, tcp=2h4m, tcp-transitory=4m, icmp=60s")
}

// change sets in c what the user named on the command line.
func (b *behaviour) change(c *nat.Config, f *pflag.FlagSet) {
	for name, set := range map[string]func(){
		"mapping":           func() { c.Mapping = b.mapping },
		"filtering":         func() { c.Filtering = b.filtering },
		"permission":        func() { c.Permission = b.permission },
		"port-preservation": func() { c.Ports = b.ports },
		"hairpin":           func() { c.Hairpin = b.hairpin },
		"refresh-inbound":   func() { c.RefreshInbound = b.refreshInbound },
		"lifetime":          func() { c.Lifetimes = b.lifetimes },
	} {
		if f.Changed(name) {
			set()
		}
	}
}

// sides is a translation whose flags are parsed: a NAT, a firewall or neither.
type sides struct {
	nat      *nat.Config
	firewall *nat.Firewall
}

// parse reads the flags; its error is for the user.
func (t translation) parse() (sides, error) {
	if t.outside == "" {
		if len(t.inside)+len(t.forwards)+len(t.pool)+len(t.pinholes) > 0 {
			return sides{}, errors.New("--outside is missing: name the subnet to the outside, such as 198.18.5.0/24")
		}
		return sides{}, t.portMapping.check(nil)
	}
	outside, err := parsePrefix(t.outside)
	if err != nil {
		return sides{}, fmt.Errorf("--outside %w", err)
	}
	if len(t.inside) == 0 {
		return sides{}, errors.New("--inside is missing: name the subnet to translate, such as 10.5.1.0/24")
	}
	var inside []netip.Prefix
	for _, s := range t.inside {
		p, err := parsePrefix(s)
		if err != nil {
			return sides{}, fmt.Errorf("--inside %w", err)
		}
		inside = append(inside, p)
	}
	var s sides
	if outside.Addr().Is6() {
		s, err = t.parseFirewall(inside, outside)
	} else {
		s, err = t.parseNAT(inside, outside)
	}
	return s, errors.Join(err, t.portMapping.check(s.nat))
}

func (t translation) parseNAT(inside []netip.Prefix, outside netip.Prefix) (sides, error) {
	if len(t.pinholes) > 0 {
		return sides{}, errors.New("--pinhole is for IPv6: with IPv4 write --forward")
	}
	c := nat.Config{
		Inside: inside, Outside: outside,
		Mapping: t.mapping, Filtering: t.filtering, Permission: t.permission, Ports: t.ports,
		Hairpin: t.hairpin, RefreshInbound: t.refreshInbound, Lifetimes: t.lifetimes,
	}
	for _, s := range t.pool {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			return sides{}, fmt.Errorf("--outside-address %q: write an address, such as 198.18.5.2", s)
		}
		c.OutsideAddrs = append(c.OutsideAddrs, addr)
	}
	for _, s := range t.forwards {
		f, err := nat.ParseForward(s)
		if err != nil {
			return sides{}, fmt.Errorf("--forward %w", err)
		}
		c.Forwards = append(c.Forwards, f)
	}
	return sides{nat: &c}, nil
}

func (t translation) parseFirewall(inside []netip.Prefix, outside netip.Prefix) (sides, error) {
	if len(t.forwards)+len(t.pool) > 0 {
		return sides{}, errors.New("--forward and --outside-address are for IPv4: IPv6 translates nothing (--pinhole lets in)")
	}
	f := nat.Firewall{Inside: inside, Outside: outside, Filtering: t.filtering, Lifetimes: t.lifetimes}
	for _, s := range t.pinholes {
		p, err := nat.ParsePinhole(s)
		if err != nil {
			return sides{}, fmt.Errorf("--pinhole %w", err)
		}
		f.Pinholes = append(f.Pinholes, p)
	}
	return sides{firewall: &f}, nil
}

// check sees whether the kernel could do it once the addresses are taken.
func (s sides) check(taken []netip.Prefix) error {
	if s.nat == nil && s.firewall == nil {
		return nil
	}
	k, err := nat.Open()
	if err != nil {
		return err
	}
	defer k.Close()
	links, err := k.Links()
	if err != nil {
		return err
	}
	for _, p := range taken {
		for i, l := range links {
			if hasSubnet(l, p) {
				links[i].Addrs = append(l.Addrs, p)
			}
		}
	}
	if s.nat != nil {
		_, err = s.nat.Plan(links)
	} else {
		_, err = s.firewall.Plan(links)
	}
	return oneLine(err)
}

func hasSubnet(l nat.Link, p netip.Prefix) bool {
	for _, a := range l.Addrs {
		if a.Masked() == p.Masked() {
			return true
		}
	}
	return false
}

// oneLine joins the faults of a plan, which has a line for each.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
}

// apply programs the kernel and says what it does now.
func (s sides) apply(events *node.Events) error {
	if s.nat == nil && s.firewall == nil {
		return nil
	}
	k, err := nat.Open()
	if err != nil {
		return err
	}
	defer k.Close()
	if s.firewall != nil {
		if _, err := k.ApplyFirewall(*s.firewall); err != nil {
			return oneLine(err)
		}
		printFirewall(events, *s.firewall)
		return nil
	}
	if _, err := k.Apply(*s.nat); err != nil {
		return oneLine(err)
	}
	printNAT(events, *s.nat)
	return nil
}

func printNAT(events *node.Events, c nat.Config) {
	events.Print("nat", fmt.Sprintf("%s mapping, %s filtering", c.Mapping, c.Filtering), slog.Any("config", c))
}

func printFirewall(events *node.Events, f nat.Firewall) {
	events.Print("firewall", f.Filtering.String()+" filtering", slog.Any("config", f))
}

// textValue is a pflag.Value for what reads and writes itself as text.
type textValue struct {
	value interface {
		encoding.TextUnmarshaler
		fmt.Stringer
	}
	kind string
}

func (v textValue) String() string {
	if v.value == nil { // pflag asks a zero value
		return ""
	}
	return v.value.String()
}
func (v textValue) Set(s string) error { return v.value.UnmarshalText([]byte(s)) }
func (v textValue) Type() string       { return v.kind }

// setCommand changes a NAT that runs.
func setCommand() *cobra.Command {
	var b behaviour
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Change a running NAT",
		Long: `Change what a running NAT does, in one step; what is not named stays. Mappings
survive a change of filtering, not one of mapping or lifetimes.`,
		Example: "  router set --mapping address-dependent --filtering address-dependent",
		Args:    cobra.NoArgs,
	}
	b.addFlags(cmd.Flags(), nat.Default())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().NFlag() == 0 {
			return node.Usagef("nothing to change; name it, such as --filtering address-dependent")
		}
		return withNAT(func(k *nat.Kernel) error {
			events := node.From(cmd.Context())
			c, err := k.Current()
			if errors.Is(err, nat.ErrNone) {
				return b.changeFirewall(k, cmd.Flags(), events)
			}
			if err != nil {
				return err
			}
			b.change(&c, cmd.Flags())
			if _, err := k.Apply(c); err != nil {
				return oneLine(err)
			}
			printNAT(events, c)
			return nil
		})
	}
	return cmd
}

// changeFirewall sets what the user named where nothing is translated, only
// filtered; without a firewall either it is ErrNone.
func (b *behaviour) changeFirewall(k *nat.Kernel, f *pflag.FlagSet, events *node.Events) error {
	state, err := k.ShowFirewall()
	if err != nil {
		return err
	}
	c := nat.Config{Filtering: state.Firewall.Filtering, Lifetimes: state.Firewall.Lifetimes}
	b.change(&c, f)
	firewall := state.Firewall
	firewall.Filtering, firewall.Lifetimes = c.Filtering, c.Lifetimes
	if _, err := k.ApplyFirewall(firewall); err != nil {
		return oneLine(err)
	}
	printFirewall(events, firewall)
	return nil
}

// flushCommand forgets everything that a NAT knows.
func flushCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "flush",
		Short: "Forget all mappings, permissions and flows, as a restart does",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := portmap.Reset(cmd.Context()); err != nil {
				return err
			}
			return withNAT(func(k *nat.Kernel) error {
				if _, err := k.Current(); errors.Is(err, nat.ErrNone) {
					if err := k.FlushFirewall(); err != nil {
						return err
					}
				} else if err := k.Flush(); err != nil {
					return err
				}
				node.From(cmd.Context()).Print("flushed", "all mappings, permissions and flows")
				return nil
			})
		},
	}
}

func withNAT(do func(*nat.Kernel) error) error {
	k, err := nat.Open()
	if err != nil {
		return err
	}
	defer k.Close()
	return do(k)
}
