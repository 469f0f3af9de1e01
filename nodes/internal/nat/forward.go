package nat

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Forward is a mapping that never ends and lets everybody in: what arrives at an
// outside port goes to an inside transport address.
type Forward struct {
	Protocol Protocol       // TCP or UDP
	Outside  netip.AddrPort // without an address, the first of the pool
	Inside   netip.AddrPort
}

// ParseForward reads "PROTOCOL:[ADDRESS:]PORT=ADDRESS:PORT", as in
// tcp:8080=10.5.1.10:80.
func ParseForward(s string) (Forward, error) {
	var f Forward
	if err := f.UnmarshalText([]byte(s)); err != nil {
		return Forward{}, err
	}
	return f, nil
}

// String returns what ParseForward reads.
func (f Forward) String() string {
	port := strconv.Itoa(int(f.Outside.Port()))
	if f.Outside.Addr().IsValid() {
		port = f.Outside.String()
	}
	return fmt.Sprintf("%s:%s=%s", f.Protocol, port, f.Inside)
}

// MarshalText returns what String does.
func (f Forward) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what ParseForward does.
func (f *Forward) UnmarshalText(text []byte) error {
	const want = "write tcp:8080=10.5.1.10:80"
	protocol, rest, ok1 := strings.Cut(string(text), ":")
	outside, inside, ok2 := strings.Cut(rest, "=")
	if !ok1 || !ok2 {
		return fmt.Errorf("forward %q: %s", text, want)
	}
	if err := f.Protocol.UnmarshalText([]byte(protocol)); err != nil || f.Protocol == ICMP {
		return fmt.Errorf("forward %q: %q cannot be forwarded; write tcp or udp", text, protocol)
	}
	var err error
	if f.Outside, err = parseOutside(outside); err != nil {
		return fmt.Errorf("forward %q: outside port %q; %s", text, outside, want)
	}
	if f.Inside, err = netip.ParseAddrPort(inside); err != nil || f.Inside.Port() == 0 {
		return fmt.Errorf("forward %q: inside address %q; %s", text, inside, want)
	}
	return nil
}

func parseOutside(s string) (netip.AddrPort, error) {
	if port, err := strconv.ParseUint(s, 10, 16); err == nil && port != 0 {
		return netip.AddrPortFrom(netip.Addr{}, uint16(port)), nil
	}
	a, err := netip.ParseAddrPort(s)
	if err == nil && a.Port() == 0 {
		err = strconv.ErrRange
	}
	return a, err
}

func compareForwards(a, b Forward) int {
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), a.Outside.Compare(b.Outside))
}
