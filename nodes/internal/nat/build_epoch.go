package nat

import (
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// A flow that refreshed its mapping a moment ago need not do so again, and to find
// that out must cost less than to refresh. Time is cut into epochs, each with a random
// number. A flow that refreshes puts the number of the present epoch into its mark;
// as long as that number is among the recent ones there is nothing to do.

// The sets of time.
const (
	setNow    = "now"    // the present epoch's number, for half a grain
	setRecent = "recent" // the numbers of epochs that began less than a grain ago
)

// roomEpochs is for those that have run out and that the kernel has not yet cleared
// away, once a second.
const roomEpochs = 256

func epochSets() []Set {
	number := []nftables.SetDatatype{nftables.TypeMark}
	return []Set{
		{Name: setNow, Key: []nftables.SetDatatype{nftables.TypeInteger}, Data: number, Dynamic: true, Size: roomEpochs},
		{Name: setRecent, Key: number, Dynamic: true, Size: roomEpochs},
	}
}

// refreshed matches a flow that refreshed its mapping in a recent epoch.
func refreshed() words { return say(ct(0, expr.CtKeyMARK), in(setRecent, 0)) }

// stamp marks a flow with the present epoch, and begins one if there is none. A
// hairpinned flow is not marked, since it has two mappings to refresh.
func stamp(grain time.Duration) []Rule {
	key := constant(0, make([]byte, 4))
	return []Rule{
		{"two mappings", say(hairpinned(expr.CmpOpEq), accept())},
		{"this epoch", say(key, get(setNow, 0, 1), setMark(1), accept())},
		{"a new epoch", say(
			key, number(1), addData(setNow, 0, 1, grain/2),
			get(setNow, 0, 1), // of two processors, the first has begun it
			add(setRecent, 1, grain), setMark(1), accept())},
	}
}

// number loads a random number that is no port, which a mark may be as well.
func number(r uint32) words {
	return say(meta(r, expr.MetaKeyPRANDOM), words{&expr.Bitwise{
		SourceRegister: reg(r), DestRegister: reg(r), Len: 4,
		Mask: []byte{0xff, 0xff, 0xff, 0xfe}, Xor: []byte{0, 0, 0, 1},
	}})
}
