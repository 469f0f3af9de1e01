package rules

import "github.com/spf13/pflag"

// AddFlags adds --allow and --deny. Both may come many times, and their order among
// each other is the order of the rules.
func (l *List) AddFlags(f *pflag.FlagSet) {
	f.Var(ruleFlag{l, true}, "allow", "carry to CIDR[:PORT], and nowhere else that no --allow names; the first rule that matches decides")
	f.Var(ruleFlag{l, false}, "deny", "refuse CIDR[:PORT]")
}

// ruleFlag is a pflag.Value that adds a rule.
type ruleFlag struct {
	list  *List
	allow bool
}

func (f ruleFlag) String() string { return "" }
func (f ruleFlag) Type() string   { return "CIDR[:PORT]" }

func (f ruleFlag) Set(s string) error {
	r, err := Parse(f.allow, s)
	if err != nil {
		return err
	}
	f.list.Rules = append(f.list.Rules, r)
	return nil
}
