package nat

import (
	"time"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
)

// refresh sees every packet that leaves, after translation, and keeps the mapping
// of a packet from inside alive (RFC 4787 REQ-6). Every packet pays for these rules:
// the cheapest and the likeliest come first.
func (b builder) refresh() []Rule {
	return []Rule{
		{"a connection begins or ends", say(tcpFlags(flagSYN|flagFIN|flagRST, expr.CmpOpNeq, 0), goTo("edge"))},
		{"from a mapping", say(b.isOutsideAddr(source), goTo("mapped"))},
		{"to a mapping's host", say(status(statusSNAT|statusDNAT), accept())},
		{"neither", goTo("untranslated")},
	}
}

// untranslated lets nothing out by mistake: the outside must not see what it could
// not answer.
func (b builder) untranslated() []Rule {
	var rules []Rule
	for _, p := range b.Untranslated {
		rules = append(rules, Rule{"as it should be", say(subnet(destination, p), accept())})
	}
	return append(rules,
		Rule{"to outside", say(leavesBy(b.OutsideLink), count(countStray), drop())},
		Rule{"invalid", say(state(expr.CtStateBitINVALID), count(countStray), drop())})
}

// mapped refreshes the mapping that a packet left by, as its protocol asks, unless
// that was done a moment ago.
func (b builder) mapped() []Rule {
	rules := []Rule{{"refreshed already", say(refreshed(), accept())}}
	rules = append(rules, b.refreshRules(UDP, nil, b.timers.UDP)...)
	rules = append(rules, b.refreshRules(TCP, established(b.Lifetimes), b.timers.TCP)...)
	return append(rules,
		Rule{"not yet, or no longer, established", say(isProtocol(TCP), goTo("edge-out"))},
		Rule{"icmp", say(isProtocol(ICMP), transport(scratch, 0, 1), compare(expr.CmpOpEq, scratch, []byte{icmpEcho}),
			b.mappingOf(ICMP), refresh(b.timers.ICMP))})
}

const icmpEcho = 8

// mappingOf loads both keys of the mapping that a translated packet left by.
func (b builder) mappingOf(p Protocol) words {
	return say(sourceKey(p), protocol(0), get(setIn, keyOutside, 1))
}

func (b builder) refreshRules(p Protocol, condition words, timer time.Duration) []Rule {
	when := say(isProtocol(p), condition)
	var rules []Rule
	if p == UDP && !b.RefreshInbound {
		rules = append(rules, b.revive())
	}
	rules = append(rules, Rule{"mapping, " + p.String(), say(when, b.mappingOf(p), refresh(timer))})
	if p == TCP {
		rules = append(rules, Rule{"several connections", say(when, sourceKey(p), in(setShared, keyOutside), put(setShared, keyOutside, timer))})
	}
	if b.wantsAllow() && b.asksOutside() {
		key := say(protocol(0), source(1), sourcePort(p, 2))
		if b.Permission == PermitByEndpoint {
			key = say(sourceKey(p), get(setIn, keyOutside, 1), protocol(0))
		}
		rules = append(rules, Rule{"permission, " + p.String(), say(leavesBy(b.OutsideLink), when, key, b.remoteOf(p), put(b.allow(), keyInside, timer))})
	}
	return append(rules, Rule{"refreshed, " + p.String(), say(when, goTo("stamp"))})
}

// revive writes a mapping anew that ran out while packets from outside, which do not
// refresh it, kept the flow alive: the inside goes on where it was, and answers
// must find a mapping. A hairpinned flow has two, of which it notes one; no packet
// between inside hosts asks for it.
func (b builder) revive() Rule {
	return Rule{"a mapping that ran out before its flow", say(
		isProtocol(UDP), hairpinned(expr.CmpOpNeq), origin(), protocol(0), sourceKey(UDP),
		putData(setIn, keyOutside, 1, b.timers.UDP))}
}

// established matches a TCP connection by the lifetime that connection tracking
// has just given it: the only sign of its state that rules can see.
func established(l Lifetimes) words {
	return say(ct(scratch, expr.CtKeyEXPIRATION), words{
		&expr.Byteorder{SourceRegister: reg(scratch), DestRegister: reg(scratch), Op: expr.ByteorderHton, Len: 4, Size: 4},
		&expr.Cmp{Op: expr.CmpOpGt, Register: reg(scratch), Data: binaryutil.BigEndian.PutUint32(uint32(l.transitory().Milliseconds()))},
	})
}

// edge is for a TCP packet at a connection's edges, in both directions.
func (b builder) edge() []Rule {
	return []Rule{
		{"still established", say(established(b.Lifetimes), accept())},
		{"from a mapping", say(b.isOutsideAddr(source), goTo("edge-out"))},
		{"to a mapping's host", say(status(statusSNAT|statusDNAT), goTo("edge-in"))},
		{"neither", goTo("untranslated")},
	}
}

// edgeIn lets the end of a mapping's only connection shorten the mapping's life.
func (b builder) edgeIn() []Rule {
	key := say(b.insideKeyBack(), get(setOut, keyInside, 9), protocol(8))
	return []Rule{
		{"no end", say(tcpFlags(flagFIN|flagRST, expr.CmpOpEq, 0), accept())},
		{"one of several connections", say(key, in(setShared, keyOutside), accept())},
		{"the only connection", say(key, refresh(b.timers.TCPClosing), accept())},
	}
}

// edgeOut is for such packets from inside. A mapping over which the inside accepts a
// connection has several. A reset that answers the outside refreshes nothing, or
// whoever scans the port would keep it open (RFC 7857, Outbound Mapping Refresh and
// Error Packets).
func (b builder) edgeOut() []Rule {
	key := b.mappingOf(TCP)
	return []Rule{
		{"one more connection", say(tcpFlags(flagSYN|flagACK, expr.CmpOpEq, flagSYN|flagACK), sourceKey(TCP), put(setShared, keyOutside, b.timers.TCP))},
		{"a refusal", say(tcpFlags(flagRST, expr.CmpOpEq, flagRST), ct(scratch, expr.CtKeyDIRECTION), compare(expr.CmpOpEq, scratch, []byte{directionReply}), accept())},
		{"one of several connections", say(key, in(setShared, keyOutside), refresh(b.timers.TCP), put(setShared, keyOutside, b.timers.TCP), accept())},
		{"the only connection, which begins", say(tcpFlags(flagSYN, expr.CmpOpEq, flagSYN), key, refresh(b.timers.TCPOpening), accept())},
		{"the only connection, which ends", say(key, refresh(b.timers.TCPClosing), accept())},
	}
}

// directionReply is the direction of the packets that answer a flow's first.
const directionReply = 1

// early stops UDP from outside to a mapping that has run out, before connection
// tracking sees it: there any packet refreshes a flow, and inbound packets alone
// would keep it alive (RFC 4787 REQ-6). Packets from inside come here, too: those to
// an outside address are to be hairpinned.
func (b builder) early() []Rule {
	to := b.isOutsideAddr(destination)
	return []Rule{
		{"to a mapping", say(to, isProtocol(UDP), destinationKey(), get(setIn, keyOutside, 1), accept())},
		{"to none", say(to, isProtocol(UDP), arrivesBy(b.OutsideLink), count(countRefused), drop())},
	}
}

// arrived lets UDP from outside refresh the mapping that it comes in by.
func (b builder) arrived() []Rule {
	return []Rule{{"from outside", say(arrivesBy(b.OutsideLink), isProtocol(UDP), status(statusConfirmed), goTo("arrived-udp"))}}
}

func (b builder) arrivedUDP() []Rule {
	return []Rule{
		{"refreshed already", say(refreshed(), accept())},
		{"mapping", say(destinationKey(), protocol(0), get(setIn, keyOutside, 1), refresh(b.timers.UDP))},
		{"refreshed", goTo("stamp")},
	}
}
