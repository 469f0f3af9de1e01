package nat

import (
	"errors"
	"fmt"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// feature is something that a kernel may have been built without.
type feature struct {
	name     string // with the option that it is built by
	exprs    words
	set      *Set
	timeouts []Timeout
}

// features are what rules are made of, simplest first.
func features() []feature {
	all := timeouts(DefaultLifetimes(), ICMP)
	perHost := Set{Name: "set", Key: []nftables.SetDatatype{nftables.TypeIPAddr}, Dynamic: true, Counted: true, Size: 1}
	timed := perHost
	timed.Counted = false
	return []feature{
		{name: "nftables for IPv4 (CONFIG_NF_TABLES_IPV4)"},
		{name: "connection tracking in rules (CONFIG_NFT_CT)", exprs: ct(0, expr.CtKeySTATE)},
		{name: "flow labels (CONFIG_NF_CONNTRACK_LABELS)", exprs: say(constant(1, make([]byte, 16)), setOrigin())},
		{name: "lifetimes of flows (CONFIG_NF_CONNTRACK_TIMEOUT)", exprs: useTimeouts(all), timeouts: all},
		{name: "translation (CONFIG_NFT_NAT)", exprs: say(constant(0, make([]byte, 4)), constant(1, make([]byte, 2)), translate(expr.NATTypeSourceNAT, 0, 1))},
		{name: "sets that packets write", exprs: say(source(0), put("set", 0, maxLifetime)), set: &timed},
		{name: "counting numbers (CONFIG_NFT_NUMGEN)", exprs: counted()},
		{name: "hashes (CONFIG_NFT_HASH)", exprs: say(source(0), words{&expr.Hash{SourceRegister: reg(0), DestRegister: reg(0), Length: 4, Modulus: 2, Seed: 1}})},
		{name: "counting flows (CONFIG_NFT_CONNLIMIT)", exprs: say(source(0), words{&expr.Dynset{
			SrcRegKey: reg(0), SetName: "set", Operation: unix.NFT_DYNSET_OP_ADD, Exprs: []expr.Any{&expr.Connlimit{Count: 1}},
		}}), set: &perHost},
	}
}

// explain adds to the error of a transaction what the user can do about it.
func (k *Kernel) explain(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, os.ErrPermission) {
		return needed(err)
	}
	if name := k.missing(features()); name != "" {
		return fmt.Errorf("%w: this kernel has no %s", err, name)
	}
	return err
}

// needed adds to an error for want of a capability which one it is.
func needed(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: this needs the capability NET_ADMIN", err)
	}
	return err
}

// missing tries features one by one, in a table that is gone afterwards, and names
// the first that the kernel does not have.
func (k *Kernel) missing(all []feature) string {
	for _, f := range all {
		if err := k.try(f); err != nil {
			return f.name
		}
	}
	return ""
}

func (k *Kernel) try(f feature) error {
	r := Ruleset{Family: nftables.TableFamilyIPv4, Table: "crosslan-try"}
	if f.set != nil {
		r.Sets = []Set{*f.set}
	}
	r.Timeouts = f.timeouts
	if f.exprs != nil {
		h := hook(nftables.ChainTypeNAT, nftables.ChainHookPostrouting, *nftables.ChainPriorityNATSource)
		r.Chains = []Chain{{"post", h, []Rule{{f.name, f.exprs}}}}
	}
	t := k.begin(r)
	t.conn.AddTable(t.table)
	if err := t.add(Ruleset{}, r); err != nil {
		return err
	}
	t.conn.DelTable(t.table)
	return t.conn.Flush()
}
