package nat

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// variant is a router to compare with others.
type variant struct {
	name  string
	set   func(tb testing.TB, l *lab)
	rates []float64
}

// variants are plain forwarding, plain masquerade and the nine kinds.
func variants() []*variant {
	all := []*variant{
		{name: "forwarding", set: func(testing.TB, *lab) {}},
		{name: "masquerade", set: masquerade},
	}
	for m := range Mapping(3) {
		for f := range Filtering(3) {
			c := config()
			c.Mapping, c.Filtering = m, f
			all = append(all, &variant{name: fmt.Sprintf("%d%d", m, f), set: func(tb testing.TB, l *lab) { l.apply(tb, c) }})
		}
	}
	return all
}

// masquerade is the shortest NAT there is.
func masquerade(tb testing.TB, l *lab) {
	table := l.conn.AddTable(&nftables.Table{Name: "plain", Family: nftables.TableFamilyIPv4})
	chain := l.conn.AddChain(&nftables.Chain{
		Name: "post", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	l.conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: say(leavesBy("wan"), words{&expr.Masq{}})})
	require.NoError(tb, l.conn.Flush())
}

// alternate runs each variant for a slice of time in turn, and reports medians and
// ratios to masquerade.
func alternate(b *testing.B, unit string, all []*variant, slice func(i int) float64) {
	for b.Loop() {
		for i, v := range all {
			v.rates = append(v.rates, slice(i))
		}
	}
	median := func(v *variant) float64 {
		s := slices.Sorted(slices.Values(v.rates))
		return s[len(s)/2]
	}
	base := median(all[1])
	table := ""
	for _, v := range all {
		b.ReportMetric(median(v), v.name+"-"+unit)
		b.ReportMetric(median(v)/base, v.name+"-ratio")
		table += fmt.Sprintf("%-14s %10.3f %s  %.3f of masquerade\n", v.name, median(v), unit, median(v)/base)
	}
	fmt.Print("\n", table) // all of it: what a benchmark logs is cut
	b.ReportMetric(0, "ns/op")
}

const sliceOfTime = 10 * time.Millisecond

// labsOf makes a lab for each variant.
func labsOf(b *testing.B, all []*variant) []*lab {
	var labs []*lab
	for _, v := range all {
		l := newLab(b)
		l.outside.Route(b, "10.5.1.0/24", "198.18.5.2")
		v.set(b, l)
		labs = append(labs, l)
	}
	return labs
}

// blast sends datagrams of 64 bytes for a slice of time, one system call each, and
// returns thousands per second of processor time. The sender's own thread carries
// each datagram through both hosts and the router, so the rate is the inverse of what
// the whole path costs, whatever else the machine does.
func blast(b *testing.B, c *net.UDPConn) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	packet := make([]byte, 64)
	begin, used, n := time.Now(), processorTime(b), 0
	for time.Since(begin) < sliceOfTime {
		for range 64 {
			if _, err := c.Write(packet); err != nil {
				b.Fatal(err)
			}
		}
		n += 64
	}
	return float64(n) / (processorTime(b) - used).Seconds() / 1e3
}

// processorTime is what the calling thread has used.
func processorTime(b *testing.B) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// BenchmarkPackets sends from inside to outside.
func BenchmarkPackets(b *testing.B) {
	all := variants()
	var conns []*net.UDPConn
	for _, l := range labsOf(b, all) {
		listenUDP(b, l.outside, remoteAddr(0, 0))
		conns = append(conns, dialUDP(b, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000), remoteAddr(0, 0)))
	}
	alternate(b, "kpps", all, func(i int) float64 { return blast(b, conns[i]) })
}

// BenchmarkPacketsIn sends from outside to inside, on a flow that the inside began.
func BenchmarkPacketsIn(b *testing.B) {
	all := variants()
	var conns []*net.UDPConn
	for _, l := range labsOf(b, all) {
		remote := listenUDP(b, l.outside, remoteAddr(0, 0))
		o := observe(b, listenUDP(b, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000)), remote)
		require.NoError(b, remote.Close())
		conns = append(conns, dialUDP(b, l.outside, remoteAddr(0, 0), o))
	}
	alternate(b, "kpps", all, func(i int) float64 { return blast(b, conns[i]) })
}

// BenchmarkThroughput sends one TCP stream from inside to outside, and counts both
// ends' processor time.
func BenchmarkThroughput(b *testing.B) {
	all := variants()
	var near, far []net.Conn
	for _, l := range labsOf(b, all) {
		listener := listenTCP(b, l.outside, remoteAddr(0, 0))
		c, err := dialTCP(b, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000), remoteAddr(0, 0), patience)
		require.NoError(b, err)
		near, far = append(near, c), append(far, acceptTCP(b, listener))
	}
	const size = 32 << 20
	chunk := make([]byte, 128<<10)
	alternate(b, "Gb/s", all, func(i int) float64 {
		used := processTime(b)
		received := make(chan error, 1)
		go func() { received <- discard(far[i], size) }()
		for n := 0; n < size; n += len(chunk) {
			if _, err := near[i].Write(chunk); err != nil {
				b.Fatal(err)
			}
		}
		if err := <-received; err != nil {
			b.Fatal(err)
		}
		return size * 8 / 1e9 / (processTime(b) - used).Seconds()
	})
}

// discard reads n bytes. It must not splice: a pipe would be another path.
func discard(c net.Conn, n int) error {
	for buf := make([]byte, 256<<10); n > 0; {
		m, err := c.Read(buf)
		if err != nil {
			return err
		}
		n -= m
	}
	return nil
}

// processTime is what the process has used.
func processTime(b *testing.B) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// BenchmarkRefresh compares ways to keep a mapping alive.
func BenchmarkRefresh(b *testing.B) {
	altered := func(name string, alter func(r *Ruleset)) *variant {
		return &variant{name: name, set: func(tb testing.TB, l *lab) {
			links, err := l.Links()
			require.NoError(tb, err)
			c := config()
			c.Filtering = FilterAddressDependent
			plan, err := c.Plan(links)
			require.NoError(tb, err)
			r := Build(plan)
			alter(&r)
			require.NoError(tb, l.renew(Ruleset{}, r))
		}}
	}
	rules := func(r *Ruleset, name string, alter func([]Rule) []Rule) {
		for i := range r.Chains {
			if r.Chains[i].Name == name {
				r.Chains[i].Rules = alter(r.Chains[i].Rules)
			}
		}
	}
	all := []*variant{
		{name: "forwarding", set: func(testing.TB, *lab) {}},
		{name: "masquerade", set: masquerade},
		altered("epochs", func(*Ruleset) {}),
		altered("every-packet", func(r *Ruleset) {
			rules(r, "mapped", func(all []Rule) []Rule { return all[1:] })
		}),
		altered("flows", flowsInsteadOfEpochs),
		altered("never", func(r *Ruleset) {
			rules(r, "refresh", func(all []Rule) []Rule { return nil })
		}),
	}
	var conns []*net.UDPConn
	for _, l := range labsOf(b, all) {
		listenUDP(b, l.outside, remoteAddr(0, 0))
		conns = append(conns, dialUDP(b, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000), remoteAddr(0, 0)))
	}
	alternate(b, "kpps", all, func(i int) float64 { return blast(b, conns[i]) })
}

// flowsInsteadOfEpochs notes what was refreshed by flow, in a set, instead of by
// epoch, in the flow's mark.
func flowsInsteadOfEpochs(r *Ruleset) {
	const fresh = "fresh"
	r.Sets = append(r.Sets, Set{Name: fresh, Key: []nftables.SetDatatype{nftables.TypeInetProto, nftables.TypeIPAddr, nftables.TypeIPAddr, nftables.TypeInteger}, Dynamic: true, Size: 1 << 17})
	flow := say(protocol(0), network(1, 12, 8), transport(3, 0, 4))
	for _, c := range r.Chains {
		switch c.Name {
		case "mapped":
			c.Rules[0].Exprs = say(flow, in(fresh, 0), accept())
		case "stamp":
			c.Rules[1].Exprs = say(flow, put(fresh, 0, time.Second), accept())
		}
	}
}
