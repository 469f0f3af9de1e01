package router

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Apply makes the kernel route as c says, and prints what it sets. It looks at
// everything first and changes nothing if something cannot be done; what is so
// already is left alone.
func Apply(c Config, events *node.Events) error {
	k, err := readKernel()
	if err != nil {
		return err
	}
	if err := k.check(c); err != nil {
		return err
	}
	if err := k.dropDefaults(c, events); err != nil {
		return err
	}
	if err := k.sendNoRedirects(); err != nil {
		return err
	}
	for _, p := range c.Addresses {
		if err := k.take(p, events); err != nil {
			return err
		}
	}
	for _, r := range c.Routes {
		if err := k.set(r, events); err != nil {
			return err
		}
	}
	return nil
}

// check finds what cannot be done.
func (k *kernel) check(c Config) error {
	for _, p := range c.Addresses {
		if _, err := k.linkFor(p); err != nil {
			return fmt.Errorf("--address %v: %w", p, err)
		}
	}
	for _, r := range c.Routes {
		if r.Kind == Unicast && !k.reaches(r.Via) {
			return fmt.Errorf("--route %v=%v: %v is in none of this node's networks (it has %s)", r.To, r.Via, r.Via, k.listAddresses())
		}
	}
	return k.checkForwarding()
}

func (k *kernel) reaches(via netip.Addr) bool {
	for _, a := range k.addresses {
		if a.prefix.Contains(via) {
			return true
		}
	}
	return false
}

// checkForwarding sees that the kernel passes packets on. A container's /proc/sys
// is read-only, so Compose has to say it.
func (k *kernel) checkForwarding() error {
	v6 := false
	for _, a := range k.addresses {
		v6 = v6 || a.prefix.Addr().Is6()
	}
	if !forwarding(sysctlForward4) {
		return fmt.Errorf(`forwarding is off: give the node sysctls: {%s: "1"}`, sysctlForward4)
	}
	if v6 && !forwarding(sysctlForward6) {
		return fmt.Errorf(`IPv6 forwarding is off: give the node sysctls: {%s: "1"}`, sysctlForward6)
	}
	return nil
}

const (
	sysctlForward4 = "net.ipv4.ip_forward"
	sysctlForward6 = "net.ipv6.conf.all.forwarding"
)

func forwarding(sysctl string) bool {
	b, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(sysctl, ".", "/"))
	return err == nil && strings.TrimSpace(string(b)) == "1"
}

// dropDefaults deletes the default routes that the engine gave: they lead to the
// address that this router is about to take itself.
func (k *kernel) dropDefaults(c Config, events *node.Events) error {
	for _, r := range k.routes {
		to, kind, ok := target(r)
		if !ok || to.Bits() != 0 || kind != Unicast || c.hasDefault(to.Addr().Is4()) {
			continue
		}
		if err := netlink.RouteDel(&r); err != nil {
			return fmt.Errorf("delete the default route via %v: %w", gateway(r), err)
		}
		events.Print("deleted", fmt.Sprintf("default route via %v", gateway(r)), slog.Any("to", to), slog.Any("via", gateway(r)))
	}
	return nil
}

func (k *kernel) take(p netip.Prefix, events *node.Events) error {
	if !k.has(p) {
		index, err := k.linkFor(p)
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(k.links[index], newAddr(p)); err != nil {
			return fmt.Errorf("take the address %v: %w", p, err)
		}
		k.addresses = append(k.addresses, address{p, index})
	}
	events.Print("address", fmt.Sprintf("%v on %s", p, k.linkName(p)), slog.Any("address", p), slog.String("interface", k.linkName(p)))
	return nil
}

func newAddr(p netip.Prefix) *netlink.Addr {
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		// Nobody else has it: Load has seen to that, and duplicate address
		// detection (RFC 4862, section 5.4) would hold it back for a second.
		a.Flags = unix.IFA_F_NODAD
	}
	return a
}

func (k *kernel) linkName(p netip.Prefix) string {
	for _, a := range k.addresses {
		if a.prefix == p {
			return k.links[a.link].Attrs().Name
		}
	}
	return "no interface"
}

func (k *kernel) set(r Route, events *node.Events) error {
	if !k.hasRoute(r) {
		if err := netlink.RouteReplace(r.netlink()); err != nil {
			return fmt.Errorf("set the route %v: %w", r, err)
		}
	}
	events.Print("route", r.String(), slog.Any("to", r.To), slog.String("kind", string(r.Kind)), slog.Any("via", r.Via))
	return nil
}

func (k *kernel) hasRoute(want Route) bool {
	for _, r := range k.routes {
		if to, kind, ok := target(r); ok && to == want.To && kind == want.Kind && gateway(r) == want.Via {
			return true
		}
	}
	return false
}

func (r Route) netlink() *netlink.Route {
	n := &netlink.Route{Dst: ipNet(r.To), Gw: r.Via.AsSlice()}
	switch r.Kind {
	case Blackhole:
		n.Type = unix.RTN_BLACKHOLE
	case Unreachable:
		n.Type = unix.RTN_UNREACHABLE
	case Prohibit:
		n.Type = unix.RTN_PROHIBIT
	default:
		n.Type = unix.RTN_UNICAST
	}
	return n
}
