package nat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// chainConfig holds the configuration, as JSON in the comments of rules that nothing ever
// evaluates: whoever changes a NAT that another process set up reads there what it
// is.
const chainConfig = "config"

// commentRoom is what nft allows a comment.
const commentRoom = 128

// store makes a chain of a Config or a Firewall.
func store(c any) Chain {
	text, err := json.Marshal(c)
	if err != nil {
		panic("a configuration is always JSON: " + err.Error())
	}
	chain := Chain{Name: chainConfig}
	for rest := string(text); rest != ""; {
		n := min(len(rest), commentRoom-1)
		chain.Rules = append(chain.Rules, Rule{Comment: rest[:n]})
		rest = rest[n:]
	}
	return chain
}

// load reads back what store made.
func load(r Ruleset, c any) error {
	i := slices.IndexFunc(r.Chains, func(c Chain) bool { return c.Name == chainConfig })
	if i < 0 {
		return fmt.Errorf("the kernel's table %s has no configuration; was it made by another program?", r.Table)
	}
	var text strings.Builder
	for _, rule := range r.Chains[i].Rules {
		text.WriteString(rule.Comment)
	}
	if err := json.Unmarshal([]byte(text.String()), c); err != nil {
		return fmt.Errorf("read the configuration in the kernel's table %s: %w", r.Table, err)
	}
	return nil
}
