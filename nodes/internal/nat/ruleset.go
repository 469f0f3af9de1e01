package nat

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// Ruleset is one nftables table as data: what Build makes of a Plan and what the
// kernel lists back.
type Ruleset struct {
	Family   nftables.TableFamily
	Table    string
	Counters []string
	Timeouts []Timeout
	Sets     []Set
	Chains   []Chain
}

// Timeout is connection tracking's lifetimes for the flows of one protocol.
type Timeout struct {
	Name     string
	Protocol Protocol
	States   map[uint16]uint32 // seconds per state of the protocol
}

// Set is a set or, with data, a map.
type Set struct {
	Name    string
	Key     []nftables.SetDatatype
	Data    []nftables.SetDatatype
	Dynamic bool   // written by packets, each element with its own lifetime
	Counted bool   // a dynamic set whose elements count flows, and live as long as those
	Size    uint32 // most elements; 0 for a set that packets do not write

	// Elements are the permanent ones, in order of their keys.
	Elements []Element
}

// Element is a permanent element of a set.
type Element struct {
	Key, Val []byte
}

// Chain is a chain and its rules. Without a Hook, rules reach it by name.
type Chain struct {
	Name  string
	Hook  *Hook
	Rules []Rule
}

// Hook is where, and when, the kernel evaluates a chain.
type Hook struct {
	Type     nftables.ChainType
	Num      nftables.ChainHook
	Priority nftables.ChainPriority
}

// Rule is a list of expressions: each is evaluated until one does not match.
type Rule struct {
	Comment string
	Exprs   []expr.Any
}

// stateTimeouts gives each of n states the same lifetime.
func stateTimeouts(n uint16, d time.Duration) map[uint16]uint32 {
	states := make(map[uint16]uint32)
	for i := range n {
		states[i] = uint32(d / time.Second)
	}
	return states
}

// sorted puts elements in order of their keys, in which they are compared.
func sorted(elements []Element) []Element {
	slices.SortFunc(elements, func(a, b Element) int { return bytes.Compare(a.Key, b.Key) })
	return elements
}
