package nat

import (
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// FirewallTable is the nftables table, of family ip6, that BuildFirewall describes.
const FirewallTable = "firewall"

// The firewall's sets.
const (
	setOpen     = "open"     // inside endpoints, and remote addresses where filtering asks for them
	setPinholes = "pinholes" // inside endpoints, for good
)

// BuildFirewall is the rules for a plan. It is a pure function: equal plans, equal
// rules.
func BuildFirewall(p FirewallPlan) Ruleset {
	b := firewall{p}
	return Ruleset{
		Family:   nftables.TableFamilyIPv6,
		Table:    FirewallTable,
		Counters: []string{countRefused, countStray},
		Timeouts: timeouts(p.Lifetimes, ICMPv6),
		Sets:     b.sets(),
		Chains:   append(b.chains(), store(p.Firewall)),
	}
}

type firewall struct{ FirewallPlan }

// remembers tells whether the inside's endpoints are written down: connection
// tracking alone filters by address and port.
func (b firewall) remembers() bool { return b.Filtering != FilterAddressAndPortDependent }

func (b firewall) sets() []Set {
	endpoint := []nftables.SetDatatype{nftables.TypeInetProto, nftables.TypeIP6Addr, nftables.TypeInetService}
	sets := []Set{{Name: setPinholes, Key: endpoint, Elements: b.pinholes()}}
	if !b.remembers() {
		return sets
	}
	open := endpoint
	if b.Filtering == FilterAddressDependent {
		open = append(slices.Clone(endpoint), nftables.TypeIP6Addr)
	}
	return append(sets,
		append(epochSets(), Set{Name: setOpen, Key: open, Dynamic: true, Size: roomPermissions})...)
}

func (b firewall) pinholes() []Element {
	var elements []Element
	for _, h := range b.Pinholes {
		elements = append(elements, Element{Key: keyBytes(h.Protocol, h.Inside)})
	}
	return sorted(elements)
}

// Where the addresses are in an IPv6 header. A source, or destination, takes four
// registers.
func source6(r uint32) words      { return network(r, 8, 16) }
func destination6(r uint32) words { return network(r, 24, 16) }

// endpoint loads the key of an inside endpoint: protocol, address, port.
func (b firewall) endpoint(addr func(uint32) words, port words) words {
	return say(protocol(0), addr(1), port)
}

func (b firewall) openKey(inside, remote func(uint32) words, port words) words {
	key := b.endpoint(inside, port)
	if b.Filtering == FilterAddressDependent {
		key = say(key, remote(6))
	}
	return key
}

func (b firewall) chains() []Chain {
	chains := []Chain{
		{"forward", hook(nftables.ChainTypeFilter, nftables.ChainHookForward, *nftables.ChainPriorityFilter), []Rule{
			{"our lifetimes", say(state(expr.CtStateBitNEW), useTimeouts(timeouts(b.Lifetimes, ICMPv6)))},
			{"from outside", say(arrivesBy(b.OutsideLink), goTo("inbound"))},
			{"to outside", say(leavesBy(b.OutsideLink), goTo("outbound"))},
		}},
		{"local", hook(nftables.ChainTypeFilter, nftables.ChainHookInput, *nftables.ChainPriorityFilter), b.local()},
		{Name: "inbound", Rules: b.inbound()},
		{Name: "outbound", Rules: b.outbound()},
		{Name: "leave", Rules: b.leave()},
	}
	if b.remembers() {
		chains = append(chains, Chain{Name: "stamp", Rules: stamp(b.Lifetimes.grain())})
	}
	return chains
}

// inbound lets in answers, errors about what was sent, echo requests (RFC 4890
// section 4.3.1 wants them) and what filtering admits.
func (b firewall) inbound() []Rule {
	rules := []Rule{
		{"answers", say(state(expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED), accept())},
		{"invalid", say(state(expr.CtStateBitINVALID), count(countRefused), drop())},
		{"echo", say(isICMPv6(128, 128), accept())},
		{"the middle of nothing", say(notOpening(), count(countRefused), drop())},
		{"pinholes", say(b.endpoint(destination6, destinationPort(UDP, 5)), in(setPinholes, keyInside), accept())},
	}
	if b.remembers() {
		rules = append(rules, Rule{"who has been sent to", say(b.openKey(destination6, source6, destinationPort(UDP, 5)), in(setOpen, keyInside), accept())})
	}
	return append(rules, Rule{"unsolicited", say(count(countRefused), drop())})
}

// outbound lets out what comes from an inside subnet, and nothing that claims
// another source (RFC 6092 REC-5).
func (b firewall) outbound() []Rule {
	rules := []Rule{{"invalid", say(state(expr.CtStateBitINVALID), count(countStray), drop())}}
	for _, s := range b.Inside {
		rules = append(rules, Rule{"from inside", say(subnet(source6, s), goTo("leave"))})
	}
	return append(rules, Rule{"nobody's", say(count(countStray), drop())})
}

// leave remembers whom the inside sends to, at most once in a grain of time.
func (b firewall) leave() []Rule {
	if !b.remembers() {
		return []Rule{{"connection tracking remembers", accept()}}
	}
	remember := func(timer time.Duration) words {
		return say(b.openKey(source6, destination6, sourcePort(UDP, 5)), put(setOpen, keyInside, timer))
	}
	t := b.Lifetimes.timers()
	tcp := say(isProtocol(TCP), established(b.Lifetimes))
	return []Rule{
		{"a connection begins", say(tcpFlags(flagSYN, expr.CmpOpNeq, 0), remember(t.TCPOpening), accept())},
		{"a connection ends", say(tcpFlags(flagFIN|flagRST, expr.CmpOpNeq, 0), remember(t.TCPClosing), accept())},
		{"remembered already", say(refreshed(), accept())},
		{"remember, udp", say(isProtocol(UDP), remember(t.UDP))},
		{"remembered, udp", say(isProtocol(UDP), goTo("stamp"))},
		{"remember, tcp", say(tcp, remember(t.TCP))},
		{"remembered, tcp", say(tcp, goTo("stamp"))},
		{"not yet, or no longer, established", say(isProtocol(TCP), remember(t.TCPClosing))},
	}
}

// local is for packets to the router itself: from outside only answers arrive, and
// what makes it a neighbour and a listener to groups (RFC 4890 section 4.4.1).
func (b firewall) local() []Rule {
	return []Rule{
		{"answers", say(arrivesBy(b.OutsideLink), state(expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED), accept())},
		{"neighbours", say(arrivesBy(b.OutsideLink), isICMPv6(133, 137), accept())},
		{"groups", say(arrivesBy(b.OutsideLink), isICMPv6(130, 132), accept())},
		{"silence", say(arrivesBy(b.OutsideLink), count(countRefused), drop())},
	}
}

// isICMPv6 matches a range of types.
func isICMPv6(from, to byte) words {
	return say(isProtocol(ICMPv6), transport(scratch, 0, 1),
		compare(expr.CmpOpGte, scratch, []byte{from}), compare(expr.CmpOpLte, scratch, []byte{to}))
}
