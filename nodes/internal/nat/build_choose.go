package nat

import (
	"slices"
	"time"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A new mapping's port is tried for in rounds of tries, 64 in all, before its packet
// is dropped: with nine tenths of all ports taken, one packet in 800 finds none, and
// its sender tries again.
const (
	rounds = 8
	tries  = 8
)

// chooseChains give the first packet of a flow from inside its outside port, before
// anything is translated, and write the mapping. The port is left in the flow's
// mark.
//
// Rules cannot hand each other registers, and a rule ends where something does not
// match: hence one rule to propose a port and to jump to take, which writes the
// mapping if the port is free, and one to see whether it did.
func (b builder) chooseChains() []Chain {
	var choose []Rule
	var chains []Chain
	for _, p := range protocols {
		name := "choose-" + p.String()
		choose = append(choose, Rule{p.String(), say(isProtocol(p), jump(name))})
		chains = append(chains, Chain{Name: name, Rules: b.choose(p)})
	}
	chains = append([]Chain{{Name: "choose", Rules: choose}}, chains...)
	chains = append(chains, b.proposeChains()...)
	return append(chains, Chain{Name: "take", Rules: b.take()})
}

func (b builder) choose(p Protocol) []Rule {
	rules := []Rule{{"the mapping that is there", b.found(p)}}
	if b.HostMappings > 0 {
		rules = append(rules, Rule{"too many for one host", say(source(0), b.beyondLimit(), count(countFull), drop())})
	}
	if b.Ports == PreservePorts {
		rules = append(rules,
			Rule{"the inside port, if it is free", say(sourcePort(p, scratch), setMark(scratch), jump("take"))},
			b.chosen(p))
	}
	switch {
	case b.Ports == SequentialPorts:
		return append(rules, Rule{"the next port", goTo("next-" + portForm(p))})
	case p == ICMP:
		return append(rules, Rule{"any identifier", goTo("any-icmp")})
	}
	for _, c := range portClasses {
		rules = append(rules, Rule{"another port like it", say(c.match(), goTo(c.name))})
	}
	return rules
}

// beyondLimit counts the flow among those of its host for which a mapping was made,
// and matches when they are too many. The kernel forgets a flow that has ended.
func (b builder) beyondLimit() words {
	return words{&expr.Dynset{
		SrcRegKey: reg(0), SetName: b.hosts(), Operation: unix.NFT_DYNSET_OP_ADD,
		Exprs: []expr.Any{&expr.Connlimit{Count: uint32(b.HostMappings), Flags: expr.NFT_CONNLIMIT_F_INV}},
	}}
}

// found uses and refreshes a mapping that is there. A TCP mapping that is found by
// a new connection has several: from then on it lives as long as the longest may.
func (b builder) found(p Protocol) words {
	w := say(b.insideKey(p), get(setOut, keyInside, 9), setMark(10), protocol(8))
	timer := b.timers.of(p)
	if p == TCP {
		timer = b.timers.TCP
		w = say(w, put(setShared, keyOutside, timer))
	}
	return say(w, refresh(timer), back())
}

// refresh sets the timers of both elements of a mapping whose keys are loaded.
func refresh(timer time.Duration) words {
	return say(putData(setOut, keyInside, 9, timer), putData(setIn, keyOutside, 1, timer))
}

// chosen ends the choice when take has written the mapping. It takes the port from
// there: of two processors that choose for one inside endpoint, the first wins.
func (b builder) chosen(p Protocol) Rule {
	return Rule{"chosen", say(b.insideKey(p), get(setOut, keyInside, 9), setMark(10), back())}
}

// take writes a mapping with the port in the flow's mark, unless it is taken. An
// element that exists is never overwritten, and out is written from what in says
// then: of two processors that take one port, the second finds no mapping in out
// and goes on choosing.
func (b builder) take() []Rule {
	rules := []Rule{{"taken", say(b.chosenKey(), get(setIn, keyOutside, 1), back())}}
	for _, p := range protocols {
		timer := b.timers.of(p)
		rules = append(rules, Rule{"a new mapping, " + p.String(), say(
			isProtocol(p), b.insideKey(p), b.chosenKey(),
			putData(setIn, keyOutside, 1, timer),
			get(setIn, keyOutside, 1),
			putData(setOut, keyInside, 9, timer),
		)})
	}
	return rules
}

// portForm names the protocols whose ports are at the same place in a packet.
func portForm(p Protocol) string {
	if p == ICMP {
		return "icmp"
	}
	return "port"
}

// proposeChains propose ports until one is free, or give up.
func (b builder) proposeChains() []Chain {
	if b.Ports == SequentialPorts {
		return slices.Concat(
			b.propose(UDP, "next-port", jump("next")),
			b.propose(ICMP, "next-icmp", jump("next")),
			[]Chain{{Name: "next", Rules: []Rule{{"count", say(counted(), setMark(scratch), jump("take"))}}}},
		)
	}
	chains := b.propose(ICMP, "any-icmp", say(random([]byte{0xff, 0xff}, []byte{0, 0}), setMark(scratch), jump("take")))
	for _, c := range portClasses {
		chains = append(chains, b.propose(UDP, c.name, say(c.random(), setMark(scratch), jump("take")))...)
	}
	return chains
}

// propose makes a chain of rounds, and one of the tries of a round.
func (b builder) propose(p Protocol, name string, proposal words) []Chain {
	round := Chain{Name: name + "-round"}
	all := Chain{Name: name}
	for range tries {
		round.Rules = append(round.Rules, Rule{"try", proposal}, b.chosen(p))
	}
	for range rounds {
		all.Rules = append(all.Rules, Rule{"tries", jump(round.Name)}, b.chosen(p))
	}
	all.Rules = append(all.Rules, Rule{"no port is free", say(count(countFull), drop())})
	return []Chain{all, round}
}

// counted loads the next port of all, from 1024 on.
func counted() words {
	return words{
		&expr.Numgen{Register: reg(scratch), Type: unix.NFT_NG_INCREMENTAL, Modulus: 65536 - 1024, Offset: 1024},
		&expr.Byteorder{SourceRegister: reg(scratch), DestRegister: reg(scratch), Op: expr.ByteorderHton, Len: 2, Size: 2},
	}
}

// portClass is a parity and a side of 1024: what a mapping keeps of the inside port
// where it cannot keep the port itself.
type portClass struct {
	name string
	low  bool
	odd  byte
}

var portClasses = []portClass{
	{"low-even", true, 0}, {"low-odd", true, 1}, {"high-even", false, 0}, {"high-odd", false, 1},
}

// match matches a packet whose source port is of the class.
func (c portClass) match() words {
	side := expr.CmpOpGte
	if c.low {
		side = expr.CmpOpLt
	}
	return say(
		transport(scratch, 0, 2), compare(side, scratch, binaryutil.BigEndian.PutUint16(1024)),
		words{&expr.Bitwise{SourceRegister: reg(scratch), DestRegister: reg(scratch), Len: 4, Mask: []byte{0, 1, 0, 0}, Xor: make([]byte, 4)}},
		compare(expr.CmpOpEq, scratch, []byte{0, c.odd}),
	)
}

// random loads a random port of the class, or does not match: one try in 64 is lost
// above 1024, one in 512 below.
func (c portClass) random() words {
	if c.low {
		return say(random([]byte{3, 0xfe}, []byte{0, c.odd}), compare(expr.CmpOpNeq, scratch, []byte{0, 0}))
	}
	return say(random([]byte{0xff, 0xfe}, []byte{0, c.odd}), compare(expr.CmpOpGte, scratch, binaryutil.BigEndian.PutUint16(1024)))
}

// random loads 16 random bits under a mask, with others set.
func random(mask, xor []byte) words {
	return say(meta(scratch, expr.MetaKeyPRANDOM), words{&expr.Bitwise{
		SourceRegister: reg(scratch), DestRegister: reg(scratch), Len: 4,
		Mask: append(mask, 0, 0), Xor: append(xor, 0, 0),
	}})
}
