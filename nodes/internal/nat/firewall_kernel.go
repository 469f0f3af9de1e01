package nat

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	"github.com/google/nftables"
)

// ApplyFirewall makes the firewall what f says, in one transaction. It reports
// whether anything had to change. A change of filtering or lifetimes ends flows and
// closes what was open.
func (k *Kernel) ApplyFirewall(f Firewall) (changed bool, err error) {
	links, err := k.Links()
	if err != nil {
		return false, err
	}
	plan, err := f.Plan(links)
	if err != nil {
		return false, err
	}
	want := BuildFirewall(plan)
	have, err := k.read(want.Family, want.Table)
	if err != nil && !errors.Is(err, ErrNone) {
		return false, err
	}
	if reflect.DeepEqual(have, canonical(want)) {
		return false, nil
	}
	var old Firewall
	if err := load(have, &old); err != nil || old.Lifetimes != f.Lifetimes || old.Filtering != f.Filtering {
		return true, k.renew(have, want)
	}
	return true, k.explain(k.begin(want).change(have, want))
}

// FirewallState is a firewall as the kernel has it.
type FirewallState struct {
	Firewall Firewall  `json:"firewall"`
	Open     []Opening `json:"open"` // what the inside has opened by sending
	Counters Counters  `json:"counters"`
}

// Opening is an inside transport address that the outside may send to.
type Opening struct {
	Protocol Protocol       `json:"protocol"`
	Inside   netip.AddrPort `json:"inside"`
	Remote   netip.Addr     `json:"remote,omitzero"` // who may, if not everybody
	Left     Seconds        `json:"left"`
}

// ShowFirewall reads the firewall's state, or returns ErrNone. Under address-and-
// port-dependent filtering it opens nothing but to the answers of flows.
func (k *Kernel) ShowFirewall() (FirewallState, error) {
	s := FirewallState{Open: []Opening{}}
	if _, err := k.current(nftables.TableFamilyIPv6, FirewallTable, &s.Firewall); err != nil {
		return FirewallState{}, err
	}
	table := &nftables.Table{Name: FirewallTable, Family: nftables.TableFamilyIPv6}
	if s.Firewall.Filtering != FilterAddressAndPortDependent {
		elements, err := k.conn.GetSetElements(&nftables.Set{Table: table, Name: setOpen})
		if err != nil {
			return FirewallState{}, fmt.Errorf("list what is open: %w", err)
		}
		for _, e := range elements {
			s.Open = append(s.Open, openOf(e, s.Firewall.Lifetimes))
		}
	}
	slices.SortFunc(s.Open, func(a, b Opening) int {
		return cmp.Or(a.Inside.Compare(b.Inside), cmp.Compare(a.Protocol, b.Protocol), a.Remote.Compare(b.Remote))
	})
	var err error
	s.Counters, err = k.counters(table, countRefused, countStray)
	return s, err
}

func openOf(e nftables.SetElement, l Lifetimes) Opening {
	o := Opening{Protocol: Protocol(e.Key[0])}
	o.Inside = netip.AddrPortFrom(netip.AddrFrom16([16]byte(e.Key[4:20])), binary.BigEndian.Uint16(e.Key[20:]))
	if len(e.Key) > 24 {
		o.Remote = netip.AddrFrom16([16]byte(e.Key[24:40]))
	}
	o.Left = Seconds(max(e.Expires-l.grain(), 0))
	return o
}

// FlushFirewall closes what the inside has opened, and ends flows.
func (k *Kernel) FlushFirewall() error {
	var f Firewall
	r, err := k.current(nftables.TableFamilyIPv6, FirewallTable, &f)
	if err != nil {
		return err
	}
	table := &nftables.Table{Name: FirewallTable, Family: nftables.TableFamilyIPv6}
	for _, s := range r.Sets {
		if s.Dynamic {
			k.conn.FlushSet(s.nft(table))
		}
	}
	if err := k.conn.Flush(); err != nil {
		return fmt.Errorf("flush the firewall: %w", err)
	}
	return k.flushFlows()
}

// RemoveFirewall takes the firewall away: everybody may send to the inside.
func (k *Kernel) RemoveFirewall() error {
	return k.remove(nftables.TableFamilyIPv6, FirewallTable)
}
