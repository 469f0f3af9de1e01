package nat

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
)

// read lists a table from the kernel in the order in which canonical puts one.
func (k *Kernel) read(family nftables.TableFamily, name string) (Ruleset, error) {
	tables, err := k.conn.ListTablesOfFamily(family)
	if err != nil {
		return Ruleset{}, needed(fmt.Errorf("list nftables tables: %w", err))
	}
	if !slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == name }) {
		return Ruleset{}, ErrNone
	}
	table := &nftables.Table{Name: name, Family: family}
	r := Ruleset{Family: family, Table: name}
	if err := k.readObjects(&r, table); err != nil {
		return Ruleset{}, fmt.Errorf("list nftables objects: %w", err)
	}
	if err := k.readSets(&r, table); err != nil {
		return Ruleset{}, fmt.Errorf("list nftables sets: %w", err)
	}
	if err := k.readChains(&r, table); err != nil {
		return Ruleset{}, fmt.Errorf("list nftables chains: %w", err)
	}
	return canonical(r), nil
}

func (k *Kernel) readObjects(r *Ruleset, table *nftables.Table) error {
	ctTimeouts.Lock()
	defer ctTimeouts.Unlock()
	objects, err := k.conn.GetNamedObjects(table)
	if err != nil {
		return err
	}
	for _, o := range objects {
		named, ok := o.(*nftables.NamedObj)
		if !ok {
			continue
		}
		switch named.Type {
		case nftables.ObjTypeCounter:
			r.Counters = append(r.Counters, named.Name)
		case nftables.ObjTypeCtTimeout:
			t, err := k.readTimeout(named)
			if err != nil {
				return err
			}
			r.Timeouts = append(r.Timeouts, t)
		}
	}
	return nil
}

// readTimeout reads one timeout by itself: the library decodes all of them into one
// map.
func (k *Kernel) readTimeout(named *nftables.NamedObj) (Timeout, error) {
	o, err := k.conn.GetObject(named)
	if err != nil {
		return Timeout{}, fmt.Errorf("timeout %s: %w", named.Name, err)
	}
	if named, ok := o.(*nftables.NamedObj); ok {
		if data, ok := named.Obj.(*expr.CtTimeout); ok {
			return timeoutOf(named.Name, data), nil
		}
	}
	return Timeout{}, fmt.Errorf("timeout %s: not a timeout", named.Name)
}

// timeoutOf copies the states that the protocol has: the library adds those of
// another one.
func timeoutOf(name string, t *expr.CtTimeout) Timeout {
	n := Protocol(t.L4Proto).states()
	states := make(map[uint16]uint32)
	for s, seconds := range t.Policy {
		if s < n {
			states[s] = seconds
		}
	}
	return Timeout{Name: name, Protocol: Protocol(t.L4Proto), States: states}
}

func (k *Kernel) readSets(r *Ruleset, table *nftables.Table) error {
	sets, err := k.conn.GetSets(table)
	if err != nil {
		return err
	}
	for _, s := range sets {
		set := Set{Name: s.Name, Key: nftables.ConcatSetTypeElements(s.KeyType), Dynamic: s.Dynamic, Counted: s.Dynamic && !s.HasTimeout, Size: s.Size}
		if s.IsMap {
			set.Data = nftables.ConcatSetTypeElements(s.DataType)
		}
		if !s.Dynamic {
			elements, err := k.conn.GetSetElements(s)
			if err != nil {
				return fmt.Errorf("elements of %s: %w", s.Name, err)
			}
			for _, e := range elements {
				set.Elements = append(set.Elements, Element{e.Key, e.Val})
			}
		}
		r.Sets = append(r.Sets, set)
	}
	return nil
}

func (k *Kernel) readChains(r *Ruleset, table *nftables.Table) error {
	chains, err := k.conn.ListChainsOfTableFamily(table.Family)
	if err != nil {
		return err
	}
	for _, c := range chains {
		if c.Table.Name != table.Name {
			continue
		}
		chain := Chain{Name: c.Name}
		if c.Hooknum != nil {
			chain.Hook = &Hook{c.Type, *c.Hooknum, *c.Priority}
		}
		rules, err := k.conn.GetRules(table, c)
		if err != nil {
			return fmt.Errorf("rules of %s: %w", c.Name, err)
		}
		for _, rule := range rules {
			comment, _ := userdata.GetString(rule.UserData, userdata.Type(userdata.TypeComment))
			chain.Rules = append(chain.Rules, Rule{comment, rule.Exprs})
		}
		r.Chains = append(r.Chains, chain)
	}
	return nil
}

// canonical is the form in which a ruleset is compared with another: in order, and
// without what the library loses when it decodes what the kernel lists.
func canonical(r Ruleset) Ruleset {
	c := Ruleset{Family: r.Family, Table: r.Table}
	c.Counters = slices.Sorted(slices.Values(r.Counters))
	c.Timeouts = slices.SortedFunc(slices.Values(r.Timeouts), func(a, b Timeout) int { return strings.Compare(a.Name, b.Name) })
	for _, s := range r.Sets {
		if s.Dynamic {
			s.Elements = nil // they change as packets pass
		}
		s.Elements = sorted(slices.Clone(s.Elements))
		if len(s.Elements) == 0 {
			s.Elements = nil
		}
		c.Sets = append(c.Sets, s)
	}
	slices.SortFunc(c.Sets, func(a, b Set) int { return cmp.Compare(a.Name, b.Name) })
	for _, chain := range r.Chains {
		rules := make([]Rule, 0, len(chain.Rules))
		for _, rule := range chain.Rules {
			rules = append(rules, Rule{rule.Comment, canonicalExprs(rule.Exprs)})
		}
		c.Chains = append(c.Chains, Chain{chain.Name, chain.Hook, rules})
	}
	slices.SortFunc(c.Chains, func(a, b Chain) int { return cmp.Compare(a.Name, b.Name) })
	return c
}

// canonicalExprs leaves out what google/nftables v0.3.0 does not decode: byteorder
// as a whole, the register of an immediate and of a ct that is set.
func canonicalExprs(exprs []expr.Any) []expr.Any {
	list := make([]expr.Any, 0, len(exprs))
	for _, e := range exprs {
		switch e := e.(type) {
		case *expr.Byteorder:
		case *expr.Immediate:
			list = append(list, &expr.Immediate{Data: e.Data})
		case *expr.Ct:
			c := *e
			if c.SourceRegister || c.Register == 0 {
				c.SourceRegister, c.Register = true, 0
			}
			list = append(list, &c)
		default:
			list = append(list, e)
		}
	}
	return list
}

func prefix(n *net.IPNet) netip.Prefix {
	addr, _ := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), bits)
}
