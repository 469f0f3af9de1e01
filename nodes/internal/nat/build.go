package nat

import (
	"net/netip"
	"strconv"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
)

// Table is the nftables table, of family ip, that Build describes. A table called
// nat is there already in a container: the engine's own, by iptables-nft, for its
// name server.
const Table = "crosslan"

// The sets. A mapping is two elements, one the inverse of the other, so that each
// is one lookup away from either side.
const (
	setOut      = "out"      // inside endpoint (and remote, as the mapping is keyed) to outside endpoint
	setIn       = "in"       // outside endpoint to inside endpoint (and remote)
	setShared   = "shared"   // outside endpoints of TCP mappings that several connections use
	setForwards = "forwards" // outside endpoint to inside endpoint, for good
	setPool     = "pool"     // number to outside address
	setOutside  = "outside"  // outside addresses
)

// The counters.
const (
	countRefused = "refused" // packets from outside that nobody asked for
	countFull    = "full"    // packets from inside for which no port was free
	countStray   = "stray"   // packets from inside that belong to no flow
)

// The registers in which rules keep the two keys.
const (
	keyInside  = 0 // protocol, inside address, inside port, remote address, remote port
	keyOutside = 8 // protocol, outside address, outside port
)

// Room for mappings per outside address, for TCP and UDP together, and for
// permissions.
const (
	roomMappings    = 1 << 17
	roomPermissions = 1 << 17
	roomHosts       = 1 << 16
)

// Build is the rules for a plan. It is a pure function: equal plans, equal rules.
func Build(p Plan) Ruleset {
	b := builder{p, p.Lifetimes.timers()}
	return Ruleset{
		Family:   nftables.TableFamilyIPv4,
		Table:    Table,
		Counters: []string{countFull, countRefused, countStray},
		Timeouts: timeouts(p.Lifetimes, ICMP),
		Sets:     b.sets(),
		Chains:   append(b.chains(), store(p.Config)),
	}
}

type builder struct {
	Plan
	timers Lifetimes
}

// remoteWords is how many words of the remote endpoint belong to a mapping's key.
func (b builder) remoteWords() int { return int(b.Mapping) }

// allow is the set of who may come in: by which mapping, or to which inside
// endpoint. The two have different names, since nothing else tells them apart when
// the one takes the other's place.
func (b builder) allow() string {
	if b.Permission == PermitByEndpoint {
		return "allow-inside"
	}
	return "allow"
}

// hosts is the set of inside addresses with their flows that made mappings. The
// limit is in its elements: with another limit it is another set.
func (b builder) hosts() string { return "hosts-" + strconv.Itoa(b.HostMappings) }

// wantsAllow tells whether anything asks for permissions. Address-and-port-
// dependent filtering is what connection tracking does by itself, unless the
// permission is to outlive its flow's mapping or a hairpinned packet asks, whose
// flow does not exist yet.
func (b builder) wantsAllow() bool {
	switch b.Filtering {
	case FilterAddressDependent:
		return true
	case FilterAddressAndPortDependent:
		return b.Hairpin || b.Permission == PermitByEndpoint
	}
	return false
}

// timeouts give connection tracking our lifetimes. What Linux shortens for
// unacknowledged data and retransmissions stays as long as established, as RFC 5382
// REQ-5 wants; a connection that was reset stays as long as one that was closed (RFC
// 7857 section 2.2).
func timeouts(l Lifetimes, icmp Protocol) []Timeout {
	tcp := stateTimeouts(TCP.states(), l.TCPClosing)
	for _, s := range []uint16{expr.CtStateTCPSYNSENT, expr.CtStateTCPSYNRECV, expr.CtStateTCPSYNSENT2} {
		tcp[s] = uint32(l.TCPOpening.Seconds())
	}
	for _, s := range []uint16{expr.CtStateTCPESTABLISHED, expr.CtStateTCPRETRANS, expr.CtStateTCPUNACK} {
		tcp[s] = uint32(l.TCP.Seconds())
	}
	return []Timeout{
		{Name: "icmp", Protocol: icmp, States: stateTimeouts(icmp.states(), l.ICMP)},
		{Name: "tcp", Protocol: TCP, States: tcp},
		{Name: "udp", Protocol: UDP, States: stateTimeouts(UDP.states(), l.UDP)},
	}
}

func (b builder) sets() []Set {
	endpoint := []nftables.SetDatatype{nftables.TypeIPAddr, nftables.TypeInetService}
	flow := append([]nftables.SetDatatype{nftables.TypeInetProto}, append(endpoint, endpoint...)...)
	outside := flow[:3]
	inside := flow[:3+b.remoteWords()]
	room := roomMappings * uint32(len(b.OutsideAddrs))

	sets := []Set{
		{Name: setOut, Key: inside, Data: endpoint, Dynamic: true, Size: room, Elements: b.forwardsOut()},
		{Name: setIn, Key: outside, Data: inside[1:], Dynamic: true, Size: room, Elements: b.forwardsIn(b.remoteWords())},
		{Name: setShared, Key: outside, Dynamic: true, Size: room},
		{Name: setForwards, Key: outside, Data: endpoint, Elements: b.forwardsIn(0)},
	}
	sets = append(sets, epochSets()...)
	if b.HostMappings > 0 {
		sets = append(sets, Set{Name: b.hosts(), Key: endpoint[:1], Dynamic: true, Counted: true, Size: roomHosts})
	}
	if b.wantsAllow() {
		n := 4
		if b.Filtering == FilterAddressAndPortDependent {
			n = 5
		}
		sets = append(sets, Set{Name: b.allow(), Key: flow[:n], Dynamic: true, Size: roomPermissions})
	}
	if len(b.OutsideAddrs) > 1 {
		sets = append(sets,
			Set{Name: setPool, Key: []nftables.SetDatatype{nftables.TypeInteger}, Data: endpoint[:1], Elements: b.pool()},
			Set{Name: setOutside, Key: endpoint[:1], Elements: b.addrs()})
	}
	return sets
}

// forwardsIn has a permanent element for each forward, with so many words of a
// remote endpoint that is nobody.
func (b builder) forwardsIn(remote int) []Element {
	var elements []Element
	for _, f := range b.Forwards {
		val := append(endpointBytes(f.Inside), make([]byte, 4*remote)...)
		elements = append(elements, Element{Key: keyBytes(f.Protocol, f.Outside), Val: val})
	}
	return sorted(elements)
}

// forwardsOut makes a forward a mapping in both directions (RFC 6887 section 11),
// where a mapping does not depend on the remote.
func (b builder) forwardsOut() []Element {
	if b.Mapping != MapEndpointIndependent {
		return nil
	}
	var elements []Element
	seen := make(map[string]bool)
	for _, f := range b.Forwards {
		key := keyBytes(f.Protocol, f.Inside)
		if !seen[string(key)] {
			seen[string(key)] = true
			elements = append(elements, Element{Key: key, Val: endpointBytes(f.Outside)})
		}
	}
	return sorted(elements)
}

func (b builder) pool() []Element {
	var elements []Element
	for i, a := range b.OutsideAddrs {
		elements = append(elements, Element{Key: binaryutil.NativeEndian.PutUint32(uint32(i)), Val: a.AsSlice()})
	}
	return sorted(elements)
}

func (b builder) addrs() []Element {
	var elements []Element
	for _, a := range b.OutsideAddrs {
		elements = append(elements, Element{Key: a.AsSlice()})
	}
	return sorted(elements)
}

func endpointBytes(a netip.AddrPort) []byte {
	return append(a.Addr().AsSlice(), byte(a.Port()>>8), byte(a.Port()), 0, 0)
}

func keyBytes(p Protocol, a netip.AddrPort) []byte {
	return append([]byte{byte(p), 0, 0, 0}, endpointBytes(a)...)
}
