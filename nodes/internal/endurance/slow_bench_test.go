package endurance

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// benchSize is what the fast client of the benchmark sends, in bytes.
const benchSize = 1 << 30

// BenchmarkFastAmongSlow measures how fast one client sends through a relay, alone and
// while 10,000 slow or half-open clients are there. Both take turns in each round, with
// the same relay; the crowd comes and goes. Clients, relay and targets share the
// machine's cores, and what the slow ones send costs their own processes too.
// So each round also measures a client that goes to the target without the relay, which
// competes with the crowd for the machine alone. -benchtime 5x makes five rounds. Ratios
// are of medians.
func BenchmarkFastAmongSlow(b *testing.B) {
	n := slowRoom()
	for _, f := range slowForms {
		b.Run(fmt.Sprintf("%s/slow=%d", f.name, n), func(b *testing.B) {
			rig, direct := f.startSlow(b, n)
			before := rig.processes[0].atRest(b)
			var alone, among, directAlone, directAmong, ratio, memory, cpu []float64
			rig.send(b, benchSize) // to warm up
			for range b.N {
				alone = append(alone, rig.rate(b))
				directAlone = append(directAlone, direct.rate(b))
				crowd := rig.gather(b, n)
				cpu = append(cpu, rig.processes[0].cpuShare(b))
				among = append(among, rig.rate(b))
				directAmong = append(directAmong, direct.rate(b))
				ratio = append(ratio, among[len(among)-1]/alone[len(alone)-1])
				memory = append(memory, float64(rig.processes[0].held(b).Heap)/float64(n)/1e3)
				crowd.disperse()
				awaitRest(b, rig.processes[0], before)
			}
			b.ReportMetric(median(alone), "alone-Gb/s")
			b.ReportMetric(median(among), "among-Gb/s")
			b.ReportMetric(median(among)/median(alone), "among/alone")
			b.ReportMetric(median(ratio), "median-round")
			b.ReportMetric(median(directAmong)/median(directAlone), "direct-among/alone")
			b.ReportMetric(median(cpu), "relay-%core")
			b.ReportMetric(median(memory), "heap-kB/client")
			b.ReportMetric(0, "ns/op") // means nothing here, and is left out
			b.Logf("alone %.1f, among %.1f; direct alone %.1f, among %.1f Gb/s", alone, among, directAlone, directAmong)
		})
	}
}

// cpuWindow is how long the processor time that the slow clients cost is watched.
const cpuWindow = 2 * time.Second

// cpuShare is how much of one core the process takes, in percent.
func (p *process) cpuShare(b *testing.B) float64 {
	before, began := p.cpuTicks(b), time.Now()
	<-time.After(cpuWindow)
	const ticksPerSecond = 100 // USER_HZ
	return 100 * float64(p.cpuTicks(b)-before) / ticksPerSecond / time.Since(began).Seconds()
}

// cpuTicks is the processor time that the process has had, in clock ticks (proc(5)).
func (p *process) cpuTicks(b *testing.B) int64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	require.NoError(b, err)
	// The name, the second field, is in parentheses and may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		require.NoError(b, err)
		ticks += n
	}
	return ticks
}

// rate is how fast a client sends, in Gb/s.
func (r *rig) rate(b *testing.B) float64 {
	return benchSize * 8 / r.send(b, benchSize).Seconds() / 1e9
}

func median(v []float64) float64 {
	s := slices.SortedFunc(slices.Values(v), cmp.Compare)
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
