package rules

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// ErrRefused is the error of an address that may not be talked to.
var ErrRefused = errors.New("not allowed by the rules")

// List is the rules of a relay. The zero List allows everything that is not protected.
type List struct {
	// Rules are asked in order; the first that is about an address decides. If
	// none is, the address is allowed, unless some rule allows: then only what
	// is allowed by one is.
	Rules []Rule

	// Own reports whether the host takes a packet to this address for its own,
	// or for a whole network. Nil asks the kernel (Own).
	Own func(netip.Addr) (bool, error)
}

// Check returns nil if a may be talked to, or why not: an error that is ErrRefused, or
// the one for which it could not be found out.
//
// Protected addresses are loopback, unspecified, link-local, multicast, broadcast, and
// the host's own, in every form that means them, ::ffff:127.0.0.1 for one. A rule
// allows a protected address only if it is about nothing else: "allow 127.0.0.1:80" and
// "allow 127.0.0.0/8" do, "allow 0.0.0.0/0" does not.
func (l List) Check(a netip.AddrPort) error {
	if !a.Addr().IsValid() {
		return fmt.Errorf("%w: no address", ErrRefused)
	}
	meant := netip.AddrPortFrom(plain(a.Addr()), a.Port())
	prefix, name, isProtected, err := l.protection(meant.Addr(), a.Addr())
	if err != nil {
		return err
	}
	for _, r := range l.Rules {
		if !r.matches(meant) || r.Allow && isProtected && !r.within(prefix) {
			continue
		}
		if r.Allow {
			return nil
		}
		return fmt.Errorf("%w: %v: %v", ErrRefused, a, r)
	}
	switch {
	case isProtected:
		return fmt.Errorf("%w: %v: %s", ErrRefused, a, name)
	case slices.ContainsFunc(l.Rules, func(r Rule) bool { return r.Allow }):
		return fmt.Errorf("%w: %v: no rule allows it", ErrRefused, a)
	}
	return nil
}

// protection returns the protected prefix that the plain address is in. The host's own
// are asked for in the form in which they were written, too.
func (l List) protection(a, written netip.Addr) (prefix netip.Prefix, name string, ok bool, err error) {
	if prefix, name, ok = protection(a); ok {
		return prefix, name, true, nil
	}
	own := l.Own
	if own == nil {
		own = Own
	}
	for _, form := range slices.Compact([]netip.Addr{a, written.Unmap().WithZone("")}) {
		is, err := own(form)
		if err != nil {
			return prefix, "", false, fmt.Errorf("whether %v is the relay's own: %w", form, err)
		}
		if is {
			return netip.PrefixFrom(a, a.BitLen()), "the relay's own address", true, nil
		}
	}
	return prefix, "", false, nil
}
