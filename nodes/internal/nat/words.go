package nat

import (
	"net"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// This file has the words that rules are written in. A word is one expression or a
// few; registers are numbered from 0 to 15, of 4 bytes each. A value shorter than a
// register is padded with zeros, so consecutive registers are a set's key.

type words = []expr.Any

// say strings words together.
func say(parts ...words) words {
	var all words
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// reg is a register's number as the kernel lists it: the first of each 16 bytes by
// its old name.
func reg(i uint32) uint32 {
	if i%4 == 0 {
		return unix.NFT_REG_1 + i/4
	}
	return unix.NFT_REG32_00 + i
}

// scratch is a register that no key uses.
const scratch = 15

func network(r, offset, length uint32) words {
	return words{&expr.Payload{DestRegister: reg(r), Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length}}
}

func transport(r, offset, length uint32) words {
	return words{&expr.Payload{DestRegister: reg(r), Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: length}}
}

func meta(r uint32, key expr.MetaKey) words { return words{&expr.Meta{Key: key, Register: reg(r)}} }

func ct(r uint32, key expr.CtKey) words { return words{&expr.Ct{Key: key, Register: reg(r)}} }

func protocol(r uint32) words { return meta(r, expr.MetaKeyL4PROTO) }

func compare(op expr.CmpOp, r uint32, data []byte) words {
	return words{&expr.Cmp{Op: op, Register: reg(r), Data: data}}
}

func isProtocol(p Protocol) words {
	return say(protocol(scratch), compare(expr.CmpOpEq, scratch, []byte{byte(p)}))
}

// has matches when a bit of mask is set in the register, a number in the machine's
// own byte order.
func has(r, mask uint32) words {
	return words{
		&expr.Bitwise{SourceRegister: reg(r), DestRegister: reg(r), Len: 4, Mask: binaryutil.NativeEndian.PutUint32(mask), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg(r), Data: make([]byte, 4)},
	}
}

func state(bits uint32) words { return say(ct(scratch, expr.CtKeySTATE), has(scratch, bits)) }

func status(bits uint32) words { return say(ct(scratch, expr.CtKeySTATUS), has(scratch, bits)) }

// hairpinned matches, or with CmpOpNeq does not, a flow with both ends translated.
func hairpinned(op expr.CmpOp) words {
	const both = statusSNAT | statusDNAT
	return say(ct(scratch, expr.CtKeySTATUS), words{
		&expr.Bitwise{SourceRegister: reg(scratch), DestRegister: reg(scratch), Len: 4, Mask: binaryutil.NativeEndian.PutUint32(both), Xor: make([]byte, 4)},
		&expr.Cmp{Op: op, Register: reg(scratch), Data: binaryutil.NativeEndian.PutUint32(both)},
	})
}

// The bits of a flow's status (linux/netfilter/nf_conntrack_common.h).
const (
	statusConfirmed = 1 << 3
	statusSNAT      = 1 << 4
	statusDNAT      = 1 << 5
)

// The flags of a TCP header's 14th byte.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	_
	flagACK
)

// tcpFlags matches a TCP packet whose flags under mask compare so with want.
func tcpFlags(mask byte, op expr.CmpOp, want byte) words {
	return say(isProtocol(TCP), transport(scratch, 13, 1), words{
		&expr.Bitwise{SourceRegister: reg(scratch), DestRegister: reg(scratch), Len: 1, Mask: []byte{mask}, Xor: []byte{0}},
		&expr.Cmp{Op: op, Register: reg(scratch), Data: []byte{want}},
	})
}

func linkName(key expr.MetaKey, name string) words {
	data := make([]byte, unix.IFNAMSIZ)
	copy(data, name)
	return say(meta(8, key), compare(expr.CmpOpEq, 8, data))
}

func arrivesBy(link string) words { return linkName(expr.MetaKeyIIFNAME, link) }

func leavesBy(link string) words { return linkName(expr.MetaKeyOIFNAME, link) }

// subnet matches an address that a word loads into the registers from 8 on.
func subnet(load func(r uint32) words, p netip.Prefix) words {
	w := load(8)
	if !p.IsSingleIP() {
		size := p.Addr().BitLen() / 8
		mask := net.CIDRMask(p.Bits(), 8*size)
		w = say(w, words{&expr.Bitwise{SourceRegister: reg(8), DestRegister: reg(8), Len: uint32(size), Mask: mask, Xor: make([]byte, size)}})
	}
	return say(w, compare(expr.CmpOpEq, 8, p.Masked().Addr().AsSlice()))
}

func constant(r uint32, data []byte) words {
	return words{&expr.Immediate{Register: reg(r), Data: data}}
}

// in matches when the key that begins at register key is in the set.
func in(set string, key uint32) words {
	return words{&expr.Lookup{SourceRegister: reg(key), SetName: set}}
}

// get matches likewise, and loads the map's data from register data on.
func get(set string, key, data uint32) words {
	return words{&expr.Lookup{SourceRegister: reg(key), DestRegister: reg(data), IsDestRegSet: true, SetName: set}}
}

// put writes an element, or sets the timer of the one that is there: never its
// data.
func put(set string, key uint32, timer time.Duration) words {
	return words{&expr.Dynset{SrcRegKey: reg(key), SetName: set, Operation: unix.NFT_DYNSET_OP_UPDATE, Timeout: timer}}
}

// putData is put for a map.
func putData(set string, key, data uint32, timer time.Duration) words {
	return words{&expr.Dynset{SrcRegKey: reg(key), SrcRegData: reg(data), SetName: set, Operation: unix.NFT_DYNSET_OP_UPDATE, Timeout: timer}}
}

// add writes an element, and leaves one that is there as it is.
func add(set string, key uint32, timer time.Duration) words {
	return words{&expr.Dynset{SrcRegKey: reg(key), SetName: set, Operation: unix.NFT_DYNSET_OP_ADD, Timeout: timer}}
}

// addData is add for a map.
func addData(set string, key, data uint32, timer time.Duration) words {
	return words{&expr.Dynset{SrcRegKey: reg(key), SrcRegData: reg(data), SetName: set, Operation: unix.NFT_DYNSET_OP_ADD, Timeout: timer}}
}

func setMark(r uint32) words {
	return words{&expr.Ct{Key: expr.CtKeyMARK, SourceRegister: true, Register: reg(r)}}
}

// setOrigin notes in a flow's label, of 16 bytes, the inside key of its mapping
// without the protocol, which begins at register 1.
func setOrigin() words {
	return words{&expr.Ct{Key: expr.CtKeyLABELS, SourceRegister: true, Register: reg(1)}}
}

// origin loads what setOrigin noted, or does not match where it noted nothing.
func origin() words {
	return say(ct(1, expr.CtKeyLABELS), compare(expr.CmpOpNeq, 1, make([]byte, 4)))
}

func count(counter string) words {
	return words{&expr.Objref{Type: int(nftables.ObjTypeCounter), Name: counter}}
}

// useTimeouts gives a new flow the lifetimes of its protocol.
func useTimeouts(timeouts []Timeout) words {
	var w words
	for _, t := range timeouts {
		w = append(w, &expr.Objref{Type: int(nftables.ObjTypeCtTimeout), Name: t.Name})
	}
	return w
}

func verdict(k expr.VerdictKind) words { return words{&expr.Verdict{Kind: k}} }

func accept() words { return verdict(expr.VerdictAccept) }

func drop() words { return verdict(expr.VerdictDrop) }

func back() words { return verdict(expr.VerdictReturn) }

func jump(chain string) words { return words{&expr.Verdict{Kind: expr.VerdictJump, Chain: chain}} }

func goTo(chain string) words { return words{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}} }

// translate ends the evaluation: the flow's source or destination becomes the
// address and port in two registers.
func translate(t expr.NATType, addr, port uint32) words {
	return words{&expr.NAT{
		Type: t, Family: unix.NFPROTO_IPV4, Specified: true,
		RegAddrMin: reg(addr), RegAddrMax: reg(addr),
		RegProtoMin: reg(port), RegProtoMax: reg(port),
	}}
}
