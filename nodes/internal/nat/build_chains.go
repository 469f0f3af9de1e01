package nat

import (
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

func (b builder) chains() []Chain {
	chains := []Chain{
		{"pre", hook(nftables.ChainTypeNAT, nftables.ChainHookPrerouting, *nftables.ChainPriorityNATDest), b.pre()},
		{"post", hook(nftables.ChainTypeNAT, nftables.ChainHookPostrouting, *nftables.ChainPriorityNATSource), b.post()},
		{"refresh", hook(nftables.ChainTypeFilter, nftables.ChainHookPostrouting, *nftables.ChainPriorityNATSource+10), b.refresh()},
		{"local", hook(nftables.ChainTypeFilter, nftables.ChainHookInput, *nftables.ChainPriorityFilter), b.local()},
		{Name: "inbound", Rules: b.inbound()},
		{Name: "outbound", Rules: b.outbound()},
		{Name: "own", Rules: b.own()},
		{Name: "mapped", Rules: b.mapped()},
		{Name: "edge", Rules: b.edge()},
		{Name: "edge-in", Rules: b.edgeIn()},
		{Name: "edge-out", Rules: b.edgeOut()},
		{Name: "untranslated", Rules: b.untranslated()},
		{Name: "stamp", Rules: stamp(b.Lifetimes.grain())},
	}
	if b.Hairpin {
		chains = append(chains, Chain{Name: "hairpin", Rules: b.hairpin()}, Chain{Name: "hairpin-out", Rules: b.translateSource()})
	}
	if b.Filtering == FilterEndpointIndependent || b.wantsAllow() {
		chains = append(chains, Chain{Name: "admit", Rules: b.admit()})
	}
	if b.wantsAllow() {
		chains = append(chains, Chain{Name: "permit", Rules: b.permit()})
	}
	if b.RefreshInbound {
		chains = append(chains,
			Chain{"arrived", hook(nftables.ChainTypeFilter, nftables.ChainHookPrerouting, *nftables.ChainPriorityMangle), b.arrived()},
			Chain{Name: "arrived-udp", Rules: b.arrivedUDP()})
	} else {
		chains = append(chains, Chain{"early", hook(nftables.ChainTypeFilter, nftables.ChainHookPrerouting, *nftables.ChainPriorityRaw), b.early()})
	}
	return append(chains, b.chooseChains()...)
}

func hook(t nftables.ChainType, num *nftables.ChainHook, priority nftables.ChainPriority) *Hook {
	return &Hook{t, *num, priority}
}

// pre sees the first packet of each flow, before its destination is translated.
func (b builder) pre() []Rule {
	rules := []Rule{
		{"our lifetimes", useTimeouts(timeouts(b.Lifetimes, ICMP))},
		{"from outside", say(arrivesBy(b.OutsideLink), goTo("inbound"))},
	}
	if !b.Hairpin {
		return rules
	}
	for i, link := range b.InsideLinks {
		for _, p := range []Protocol{UDP, TCP} {
			rules = append(rules, Rule{"between inside hosts, " + p.String(), say(
				arrivesBy(link), isProtocol(p), subnet(source, b.Inside[i]), b.isOutsideAddr(destination), goTo("hairpin"))})
		}
	}
	return rules
}

// notOpening matches a TCP packet that opens no connection.
func notOpening() words {
	return tcpFlags(flagFIN|flagSYN|flagRST|flagACK, expr.CmpOpNeq, flagSYN)
}

// inbound admits a new flow from outside, or drops its packet before connection
// tracking has confirmed it, so that it leaves no trace: were it refused, the flow
// would exist, and the inside's own packet to that remote would find its port in
// use (RFC 5382 REQ-4 wants the silence as well).
func (b builder) inbound() []Rule {
	rules := []Rule{
		{"a query is not for the inside", say(isProtocol(ICMP), count(countRefused), drop())},
		{"the middle of nothing", say(notOpening(), count(countRefused), drop())},
		{"forwards", say(destinationKey(), get(setForwards, keyOutside, 1), translate(expr.NATTypeDestNAT, 1, 2))},
	}
	return append(rules, b.filter(source(3), sourcePort(UDP, 4), b.wantsAllow() && b.asksOutside())...)
}

// asksOutside tells whether packets from outside are looked up among permissions:
// where the permission is the mapping's and for one transport address, they come in
// by connection tracking or not at all.
func (b builder) asksOutside() bool {
	return b.Filtering == FilterAddressDependent || b.Permission == PermitByEndpoint
}

// filter admits a packet whose source, as the outside sees it, addr and port load.
func (b builder) filter(addr, port words, asks bool) []Rule {
	refused := Rule{"unsolicited", say(count(countRefused), drop())}
	if b.Filtering == FilterEndpointIndependent {
		return []Rule{{"anybody", goTo("admit")}}
	}
	if !asks {
		return []Rule{refused}
	}
	if b.Filtering == FilterAddressDependent {
		port = nil
	}
	key := say(protocol(0), destination(1), destinationPort(UDP, 2))
	if b.Permission == PermitByEndpoint {
		key = say(destinationKey(), get(setIn, keyOutside, 1), protocol(0))
	}
	return []Rule{
		{"who has been sent to", say(key, addr, port, in(b.allow(), keyInside), goTo("admit"))},
		refused,
	}
}

// admit sends a packet to the inside endpoint of the mapping it was sent to.
func (b builder) admit() []Rule {
	rules := []Rule{
		{"note its origin", say(isProtocol(UDP), constant(3, make([]byte, 4)), constant(4, make([]byte, 4)), destinationKey(), get(setIn, keyOutside, 1), setOrigin())},
	}
	if b.RefreshInbound {
		rules = append(rules, Rule{"refresh", say(isProtocol(UDP), destinationKey(), protocol(0), get(setIn, keyOutside, 1), refresh(b.timers.UDP))})
	}
	return append(rules,
		Rule{"mapping", say(destinationKey(), get(setIn, keyOutside, 1), translate(expr.NATTypeDestNAT, 1, 2))},
		Rule{"no mapping", say(count(countRefused), drop())})
}

// hairpin treats a packet from inside to an outside address as a packet from
// outside, with the source that it would have there (RFC 4787 REQ-9a). That source
// is chosen first, for the filtering may ask for it.
func (b builder) hairpin() []Rule {
	rules := []Rule{
		{"the middle of nothing", say(notOpening(), count(countStray), drop())},
		{"choose its source", jump("choose")},
	}
	if b.wantsAllow() {
		rules = append(rules, Rule{"answers may come in", jump("permit")})
	}
	rules = append(rules, Rule{"forwards", say(destinationKey(), get(setForwards, keyOutside, 1), translate(expr.NATTypeDestNAT, 1, 2))})
	return append(rules, b.filter(b.outsideAddr(3), ct(4, expr.CtKeyMARK), true)...)
}

// post sees the first packet of each flow, before its source is translated.
func (b builder) post() []Rule {
	var rules []Rule
	for _, p := range b.Untranslated {
		rules = append(rules, Rule{"not to be translated", say(leavesBy(b.OutsideLink), subnet(destination, p), accept())})
	}
	for _, inside := range b.Inside {
		rules = append(rules, Rule{"to outside", say(leavesBy(b.OutsideLink), subnet(source, inside), goTo("outbound"))})
	}
	rules = append(rules,
		Rule{"the router's own", say(leavesBy(b.OutsideLink), b.isOutsideAddr(source), goTo("own"))},
		Rule{"nobody's", say(leavesBy(b.OutsideLink), count(countStray), drop())})
	if b.Hairpin {
		for i, inside := range b.Inside {
			rules = append(rules, Rule{"between inside hosts", say(
				leavesBy(b.InsideLinks[i]), subnet(source, inside), status(statusDNAT), goTo("hairpin-out"))})
		}
	}
	return rules
}

// outbound translates the source of a new flow to the outside.
func (b builder) outbound() []Rule {
	rules := []Rule{
		{"choose its source", jump("choose")},
		{"note its origin", say(isProtocol(UDP), b.originKey(UDP), setOrigin())},
	}
	if b.wantsAllow() && b.asksOutside() {
		rules = append(rules, Rule{"answers may come in", jump("permit")})
	}
	rules = append(rules, b.translateSource()...)
	return append(rules, Rule{"protocols without ports", say(b.outsideAddr(9), words{&expr.NAT{
		Type: expr.NATTypeSourceNAT, Family: uint32(nftables.TableFamilyIPv4), RegAddrMin: reg(9), RegAddrMax: reg(9),
	}})})
}

func (b builder) translateSource() []Rule {
	var rules []Rule
	for _, p := range protocols {
		rules = append(rules, Rule{p.String(), say(isProtocol(p), b.outsideAddr(9), ct(10, expr.CtKeyMARK), translate(expr.NATTypeSourceNAT, 9, 10))})
	}
	return rules
}

// own keeps the ports of the router's own flows from being given to others.
func (b builder) own() []Rule {
	var rules []Rule
	for _, p := range protocols {
		rules = append(rules, Rule{"not for others, " + p.String(), say(
			isProtocol(p), protocol(0), b.originKey(p), setOrigin(), sourceKey(p), putData(setIn, keyOutside, 1, b.timers.of(p)), accept())})
	}
	return rules
}

// permit writes the permission that a packet from inside gives.
func (b builder) permit() []Rule {
	var rules []Rule
	for _, p := range []Protocol{UDP, TCP} {
		key := say(protocol(0), b.outsideAddr(1), ct(2, expr.CtKeyMARK))
		if b.Permission == PermitByEndpoint {
			key = say(protocol(0), source(1), sourcePort(p, 2))
		}
		rules = append(rules, Rule{p.String(), say(isProtocol(p), key, b.remoteOf(p), put(b.allow(), keyInside, b.timers.of(p)))})
	}
	return rules
}

// remoteOf loads the remote of a packet from inside, as far as filtering asks.
func (b builder) remoteOf(p Protocol) words {
	if b.Filtering == FilterAddressDependent {
		return destination(3)
	}
	return say(destination(3), destinationPort(p, 4))
}

// local is for packets to the router itself: from outside only answers arrive.
// Nobody can learn there that the router exists, not even by a packet that
// connection tracking finds invalid and therefore does not translate back.
func (b builder) local() []Rule {
	return []Rule{
		{"answers", say(arrivesBy(b.OutsideLink), state(expr.CtStateBitESTABLISHED|expr.CtStateBitRELATED), accept())},
		{"silence", say(arrivesBy(b.OutsideLink), count(countRefused), drop())},
	}
}
