package relaybench

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// How much is done in one round.
const (
	warmUp = 300 * time.Millisecond // and half a millisecond a connection
	window = 800 * time.Millisecond // of a measurement of throughput or datagrams

	manyBuffer = 512 << 10 // of each of 1,000 connections, in bytes, in each direction

	rateConnections = 2000
	roundTrips      = 4000
	idleConnections = 10000 // or what the limit on descriptors allows: a relay needs two for each
	socatIdle       = 1000  // of socat, which has a process for each
)

// BenchmarkRelays measures all there is and prints tables in Markdown. All ways
// take turns in each of four rounds, or CROSSLAN_BENCH_ROUNDS; what is printed are medians.
// Not b.N: the testing package runs a benchmark once before it runs it so many times.
//
// CROSSLAN_BENCH names the parts to run, such as throughput,datagrams, and
// CROSSLAN_BENCH_WAYS the ways, such as "direct,relay tcp"; without them all.
func BenchmarkRelays(b *testing.B) {
	n := newNetwork(b)
	p := buildPrograms(b)
	wanted := func(part string) bool { return listed("CROSSLAN_BENCH", part) }
	began, before := time.Now(), load(b)
	if wanted("throughput") || wanted("connections") || wanted("memory") {
		ways := n.startTCPWays(b, p)
		if wanted("throughput") {
			n.benchThroughput(b, ways)
		}
		if wanted("connections") {
			n.benchConnections(b, ways)
		}
		if wanted("memory") {
			n.benchMemory(b, ways)
		}
	}
	if wanted("datagrams") {
		n.benchDatagrams(b, n.startUDPWays(b, p))
	}
	fmt.Printf("\n%d rounds in %.0f s, %d cores, load %s before and %s after, %s.\n",
		rounds(), time.Since(began).Seconds(), runtime.NumCPU(), before, load(b), time.Now().UTC().Format(time.DateTime))
	b.ReportMetric(0, "ns/op") // means nothing here, and is left out
}

// rounds is how often each way has its turn.
func rounds() int {
	if n, err := strconv.Atoi(os.Getenv("CROSSLAN_BENCH_ROUNDS")); err == nil && n > 0 {
		return n
	}
	return 4
}

// listed reports whether the list in an environment variable has name, or there is none.
func listed(variable, name string) bool {
	list := os.Getenv(variable)
	return list == "" || slices.Contains(strings.Split(list, ","), name)
}

// benchThroughput measures one connection with the congestion control that the machine
// has and all numbers without pacing. BBR sends each piece by a timer, and in a
// virtual machine these timers cost more than everything else together.
func (n *network) benchThroughput(b *testing.B, ways []*way) {
	system := n.client.ReadSysctl(b, "net/ipv4/tcp_congestion_control")
	for _, series := range []struct {
		congestion  string
		connections []int
	}{{"reno", []int{1, 100, 1000}}, {system, []int{1, 100}}} {
		n.congestion(b, series.congestion)
		var tables []*samples
		for _, connections := range series.connections {
			// Three hosts share one machine's memory for TCP (tcp_mem). Where
			// 1,000 connections may fill it, the kernel drops segments that
			// had arrived, and what is measured is that.
			n.buffers(b, 0)
			if connections >= 1000 {
				n.buffers(b, manyBuffer)
			}
			s := newSamples(ways)
			for range rounds() {
				for _, w := range ways {
					s.add(w, n.throughput(b, w, connections))
				}
			}
			tables = append(tables, s)
		}
		printThroughput(ways, series.congestion, series.connections, tables)
		if series.congestion == system {
			break
		}
	}
	n.congestion(b, system)
	n.buffers(b, 0)
}

// throughput returns what arrives at the server by way of w, in Gb/s, and what the
// relay needs for it, in seconds of processor time a GB.
func (n *network) throughput(b *testing.B, w *way, connections int) []float64 {
	source := n.clientOf(b, w, "source", connections, connections)
	source.expect(b, "connected")
	<-time.After(warmUp + time.Duration(connections)*time.Millisecond/2)
	began, before, used := time.Now(), n.ask(b, "bytes"), processorTime(w.pids)
	<-time.After(window)
	bytes, took := float64(n.ask(b, "bytes")-before), time.Since(began)
	used = processorTime(w.pids) - used
	source.end(b)
	return []float64{bytes * 8 / took.Seconds() / 1e9, used / bytes * 1e9}
}

// benchConnections measures connections a second, and the time of a round trip.
func (n *network) benchConnections(b *testing.B, ways []*way) {
	s := newSamples(ways)
	for range rounds() {
		for _, w := range ways {
			used := processorTime(w.pids)
			rate := n.clientOf(b, w, "rate", rateConnections, rateConnections)
			perSecond := rate.numbers(b)[0]
			rate.end(b)
			used = (processorTime(w.pids) - used) / rateConnections * 1e6
			latency := n.clientOf(b, w, "latency", roundTrips, 1)
			percentiles := latency.numbers(b)
			latency.end(b)
			s.add(w, append([]float64{perSecond, used}, percentiles...))
		}
	}
	printConnections(ways, s)
}

// benchMemory measures, once, what a relay has for each of many connections that do
// nothing.
func (n *network) benchMemory(b *testing.B, ways []*way) {
	s := newSamples(ways)
	for _, w := range ways {
		if w.pids == nil {
			continue
		}
		connections := min(idleConnections, n.most)
		switch w.name {
		case "socat":
			connections = socatIdle
		case "bare splice loop", "io.Copy":
			connections = min(connections, n.most/4) // two pipes for each, of two descriptors
		}
		before := memory(b, w.pids)
		idle := n.clientOf(b, w, "idle", connections, connections)
		idle.expect(b, "open")
		s.add(w, []float64{(memory(b, w.pids) - before) / float64(connections), float64(connections)})
		idle.end(b)
	}
	printMemory(ways, s)
}

// benchDatagrams measures datagrams a second, small and large ones, from a sender that
// sends one by one and from one that has the kernel cut runs.
func (n *network) benchDatagrams(b *testing.B, ways []*way) {
	var tables []*samples
	for _, f := range floods {
		s := newSamples(ways)
		for range rounds() {
			for _, w := range ways {
				s.add(w, n.flood(b, w, f))
			}
		}
		tables = append(tables, s)
	}
	printDatagrams(ways, tables)
}

// flood is a stream of datagrams: their size in bytes, and how they are sent.
type flood struct {
	size int
	how  string
}

var floods = []flood{{64, "one by one"}, {1200, "one by one"}, {64, "runs"}, {1200, "runs"}}

// flood returns what arrives at the server, in thousands of datagrams a second, and what
// the relay needs for it, in seconds of processor time a million.
func (n *network) flood(b *testing.B, w *way, f flood) []float64 {
	kind := "plain"
	if w.isTURN() {
		kind = "turn"
	}
	source := startChild(b, n.client, roleCommand(b, "flood", kind, w.address, fmt.Sprint(f.size), f.how))
	source.expect(b, "ready")
	<-time.After(warmUp)
	began, before, used := time.Now(), n.ask(b, "datagrams"), processorTime(w.pids)
	<-time.After(window)
	datagrams, took := float64(n.ask(b, "datagrams")-before), time.Since(began)
	used = processorTime(w.pids) - used
	source.end(b)
	return []float64{datagrams / took.Seconds() / 1e3, used / datagrams * 1e6}
}
