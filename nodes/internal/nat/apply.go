package nat

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
)

// Apply makes the NAT what the Config says, in one transaction: a packet meets the
// old rules or the new ones. It reports whether anything had to change.
//
// Mappings survive a change of filtering, permission, ports, hairpinning, refresh or
// forwards. A change of anything else ends them, as a restart would: their keys,
// addresses or lifetimes would be wrong. A change of filtering or permission ends
// flows, since those that came in might not come in any more: what the inside goes
// on sending leaves by the mappings that it had.
func (k *Kernel) Apply(c Config) (changed bool, err error) {
	links, err := k.Links()
	if err != nil {
		return false, err
	}
	plan, err := c.Plan(links)
	if err != nil {
		return false, err
	}
	want := Build(plan)
	have, err := k.read(want.Family, want.Table)
	if err != nil && !errors.Is(err, ErrNone) {
		return false, err
	}
	if reflect.DeepEqual(have, canonical(want)) {
		return false, nil
	}
	var old Config
	if err := load(have, &old); err != nil || !old.keeps(plan.Config) {
		return true, k.renew(have, want)
	}
	// What the kernel lists lacks the permanent elements of dynamic sets.
	have.Sets = builder{Plan: Plan{Config: old}}.sets()
	t := k.begin(want)
	if err := k.makeRoom(t, old, plan.Config); err != nil {
		return false, err
	}
	if err := t.change(have, want); err != nil {
		return false, k.explain(err)
	}
	if old.Filtering != plan.Filtering || old.Permission != plan.Permission {
		return true, k.flushFlows()
	}
	return true, nil
}

// keeps tells whether mappings made under c are right under d.
func (c Config) keeps(d Config) bool {
	return c.Mapping == d.Mapping && c.Lifetimes == d.Lifetimes && c.Outside == d.Outside &&
		slices.Equal(c.Inside, d.Inside) && slices.Equal(c.OutsideAddrs, d.OutsideAddrs)
}

// Remove takes the NAT away, with its mappings. Flows go on as long as connection
// tracking knows them.
func (k *Kernel) Remove() error { return k.remove(nftables.TableFamilyIPv4, Table) }

func (k *Kernel) remove(family nftables.TableFamily, name string) error {
	if _, err := k.read(family, name); err != nil {
		return err
	}
	k.conn.DelTable(&nftables.Table{Name: name, Family: family})
	if err := k.conn.Flush(); err != nil {
		return fmt.Errorf("remove the kernel's table %s: %w", name, err)
	}
	return nil
}

// renew commits a table in place of what is there, if anything, whose flows end.
func (k *Kernel) renew(have, want Ruleset) error {
	t := k.begin(want)
	if have.Table != "" {
		t.conn.DelTable(t.table)
	}
	t.conn.AddTable(t.table)
	if err := t.commit(Ruleset{}, want); err != nil || have.Table == "" {
		return k.explain(err)
	}
	return k.flushFlows()
}

// transaction collects the messages of one commit.
type transaction struct {
	conn  *nftables.Conn
	table *nftables.Table
}

func (k *Kernel) begin(want Ruleset) transaction {
	return transaction{k.conn, &nftables.Table{Name: want.Table, Family: want.Family}}
}

// change commits the difference between two rulesets, and keeps what packets wrote.
// Chains that are alike are left alone: for each chain that uses a map the kernel
// looks at all elements of the map, which may be many.
func (t transaction) change(have, want Ruleset) error {
	have, want = withoutAlike(have, want)
	t.remove(have, want)
	return t.commit(have, want)
}

// withoutAlike leaves out the chains that have the same rules in both, and no set
// that will be another.
func withoutAlike(have, want Ruleset) (Ruleset, Ruleset) {
	rules := make(map[string]Chain)
	for _, c := range canonical(want).Chains {
		rules[c.Name] = c
	}
	gone := make(map[string]bool)
	for _, s := range have.Sets {
		gone[s.Name] = !slices.ContainsFunc(want.Sets, s.sameForm)
	}
	alike := make(map[string]bool)
	for _, c := range canonical(have).Chains {
		alike[c.Name] = reflect.DeepEqual(c, rules[c.Name]) && !c.uses(gone)
	}
	isAlike := func(c Chain) bool { return alike[c.Name] }
	have.Chains = slices.DeleteFunc(slices.Clone(have.Chains), isAlike)
	want.Chains = slices.DeleteFunc(slices.Clone(want.Chains), isAlike)
	return have, want
}

func (c Chain) uses(sets map[string]bool) bool {
	for _, r := range c.Rules {
		for _, e := range r.Exprs {
			switch e := e.(type) {
			case *expr.Lookup:
				if sets[e.SetName] {
					return true
				}
			case *expr.Dynset:
				if sets[e.SetName] {
					return true
				}
			}
		}
	}
	return false
}

func (t transaction) commit(have, want Ruleset) error {
	if err := t.add(have, want); err != nil {
		return err
	}
	if err := t.conn.Flush(); err != nil {
		return fmt.Errorf("program the kernel's table %s: %w", t.table.Name, err)
	}
	return nil
}

// remove takes away all rules, and what in want is otherwise or not at all.
func (t transaction) remove(have, want Ruleset) {
	for _, c := range have.Chains {
		t.conn.FlushChain(&nftables.Chain{Name: c.Name, Table: t.table})
	}
	for _, c := range have.Chains {
		if !slices.ContainsFunc(want.Chains, c.sameHook) {
			t.conn.DelChain(&nftables.Chain{Name: c.Name, Table: t.table})
		}
	}
	for _, s := range have.Sets {
		if !slices.ContainsFunc(want.Sets, s.sameForm) {
			t.conn.DelSet(s.nft(t.table))
		}
	}
}

func (t transaction) add(have, want Ruleset) error {
	for _, name := range want.Counters {
		if !slices.Contains(have.Counters, name) {
			t.conn.AddObj(&nftables.NamedObj{Table: t.table, Name: name, Type: nftables.ObjTypeCounter, Obj: &expr.Counter{}})
		}
	}
	for _, timeout := range want.Timeouts {
		if len(have.Timeouts) == 0 {
			t.addTimeout(timeout, want.Family)
		}
	}
	for i, s := range want.Sets {
		if j := slices.IndexFunc(have.Sets, s.sameForm); j >= 0 {
			if err := t.changeElements(have.Sets[j], s); err != nil {
				return err
			}
			continue
		}
		set := s.nft(t.table)
		set.ID = uint32(i + 1) // unique in the transaction; the library's own count is not safe for concurrent use
		if err := t.conn.AddSet(set, s.elements()); err != nil {
			return fmt.Errorf("set %s: %w", s.Name, err)
		}
	}
	// Chains jump to each other: first all chains, then all rules.
	for _, c := range want.Chains {
		if !slices.ContainsFunc(have.Chains, c.sameHook) {
			t.conn.AddChain(c.nft(t.table))
		}
	}
	for _, c := range want.Chains {
		for _, r := range c.Rules {
			t.conn.AddRule(&nftables.Rule{Table: t.table, Chain: &nftables.Chain{Name: c.Name}, Exprs: r.Exprs, UserData: comment(r.Comment)})
		}
	}
	return nil
}

// changeElements brings the permanent elements of a set that stays up to date.
func (t transaction) changeElements(have, want Set) error {
	equal := func(a Element) func(Element) bool {
		return func(b Element) bool { return reflect.DeepEqual(a, b) }
	}
	gone, new := Set{}, Set{}
	for _, e := range have.Elements {
		if !slices.ContainsFunc(want.Elements, equal(e)) {
			gone.Elements = append(gone.Elements, e)
		}
	}
	for _, e := range want.Elements {
		if !slices.ContainsFunc(have.Elements, equal(e)) {
			new.Elements = append(new.Elements, e)
		}
	}
	set := want.nft(t.table)
	return errors.Join(t.elements(t.conn.SetDeleteElements, set, gone), t.elements(t.conn.SetAddElements, set, new))
}

func (t transaction) elements(do func(*nftables.Set, []nftables.SetElement) error, set *nftables.Set, s Set) error {
	if len(s.Elements) == 0 {
		return nil
	}
	if err := do(set, s.elements()); err != nil {
		return fmt.Errorf("set %s: %w", set.Name, err)
	}
	return nil
}

// ctTimeouts guards the two maps of google/nftables v0.3.0 that encoding and
// decoding a timeout write to.
var ctTimeouts sync.Mutex

func (t transaction) addTimeout(timeout Timeout, family nftables.TableFamily) {
	ctTimeouts.Lock()
	defer ctTimeouts.Unlock()
	t.conn.AddObj(&nftables.NamedObj{
		Table: t.table, Name: timeout.Name, Type: nftables.ObjTypeCtTimeout,
		Obj: &expr.CtTimeout{L3Proto: uint16(family), L4Proto: uint8(timeout.Protocol), Policy: timeout.States},
	})
}

func comment(s string) []byte {
	return userdata.AppendString(nil, userdata.Type(userdata.TypeComment), s)
}

func (c Chain) sameHook(d Chain) bool {
	return c.Name == d.Name && reflect.DeepEqual(c.Hook, d.Hook)
}

func (c Chain) nft(table *nftables.Table) *nftables.Chain {
	n := &nftables.Chain{Name: c.Name, Table: table}
	if c.Hook != nil {
		accept := nftables.ChainPolicyAccept
		n.Type, n.Hooknum, n.Priority, n.Policy = c.Hook.Type, &c.Hook.Num, &c.Hook.Priority, &accept
	}
	return n
}

func (s Set) sameForm(o Set) bool {
	s.Elements, o.Elements = nil, nil
	return reflect.DeepEqual(s, o)
}

func (s Set) nft(table *nftables.Table) *nftables.Set {
	set := &nftables.Set{
		Table: table, Name: s.Name, KeyType: nftables.MustConcatSetType(s.Key...), Concatenation: len(s.Key) > 1,
		Dynamic: s.Dynamic, HasTimeout: s.Dynamic && !s.Counted, Size: s.Size, KeyByteOrder: binaryutil.BigEndian,
	}
	if s.Data != nil {
		set.IsMap, set.DataType = true, nftables.MustConcatSetType(s.Data...)
	}
	return set
}

func (s Set) elements() []nftables.SetElement {
	var elements []nftables.SetElement
	for _, e := range s.Elements {
		elements = append(elements, nftables.SetElement{Key: e.Key, Val: e.Val})
	}
	return elements
}
