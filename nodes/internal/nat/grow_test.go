package nat

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// BenchmarkGrow makes 60,000 mappings, and prints what one costs, in time as the
// table grows and in memory, beside masquerade, which has flows but no mappings.
func BenchmarkGrow(b *testing.B) {
	const mappings, step = 60000, 10000
	random := config()
	random.Ports = RandomPorts
	for _, v := range []*variant{
		{name: "masquerade", set: masquerade},
		{name: "preserved ports", set: func(tb testing.TB, l *lab) { l.apply(tb, config()) }},
		{name: "random ports", set: func(tb testing.TB, l *lab) { l.apply(tb, random) }},
	} {
		for range b.N {
			l := newLab(b)
			v.set(b, l)
			listenUDP(b, l.outside, remoteAddr(0, 0))
			before := slab(b)
			line := v.name
			for from := 0; from < mappings; from += step {
				cost := l.open(b, 1024+from, step)
				line += fmt.Sprintf("  %5.2f", float64(cost.Microseconds())/step)
			}
			fmt.Printf("%-16s µs each, by ten thousand: %s; %d bytes each\n", v.name, strings.TrimPrefix(line, v.name), (slab(b)-before)/mappings)
			if _, err := l.Current(); err == nil {
				// The last random ports are hard to find.
				require.GreaterOrEqual(b, len(l.state(b).Mappings), mappings*99/100)
				begin := time.Now()
				require.NoError(b, l.Flush())
				b.ReportMetric(float64(time.Since(begin).Milliseconds()), "flush-ms")
			}
		}
	}
}

// open sends a datagram from each of n ports, and returns the sender's processor
// time.
func (l *lab) open(b *testing.B, port, n int) time.Duration {
	b.Helper()
	packet := make([]byte, 28)
	packet[0], packet[8], packet[9] = 0x45, 64, byte(UDP)
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)))
	copy(packet[12:], insideAddr[0].AsSlice())
	copy(packet[16:], outsideAddr[0].AsSlice())
	binary.BigEndian.PutUint16(packet[22:], remoteAddr(0, 0).Port())
	binary.BigEndian.PutUint16(packet[24:], 8)
	var cost time.Duration
	require.NoError(b, l.inside[0].Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		used := processorTime(b)
		for p := port; p < port+n; p++ {
			binary.BigEndian.PutUint16(packet[20:], uint16(p))
			if err := unix.Sendto(fd, packet, 0, &unix.SockaddrInet4{Addr: outsideAddr[0].As4()}); err != nil {
				return err
			}
		}
		cost = processorTime(b) - used
		return nil
	}))
	return cost
}

// slab is the memory that the kernel's objects take, in bytes.
func slab(b *testing.B) int {
	b.Helper()
	text, err := os.ReadFile("/proc/meminfo")
	require.NoError(b, err)
	var sum int
	for line := range strings.Lines(string(text)) {
		var kB int
		if n, _ := fmt.Sscanf(line, "SUnreclaim: %d kB", &kB); n == 1 {
			sum += kB << 10
		}
		if n, _ := fmt.Sscanf(line, "VmallocUsed: %d kB", &kB); n == 1 {
			sum += kB << 10
		}
	}
	return sum
}

// BenchmarkChange changes the kind of a running NAT, empty and with 60,000 mappings:
// its filtering, which keeps them, and its mapping, which does not.
func BenchmarkChange(b *testing.B) {
	for _, mappings := range []int{0, 60000} {
		for _, change := range []struct {
			what  string
			alter func(c *Config, i int)
		}{
			{"filtering", func(c *Config, i int) { c.Filtering = Filtering(i % 2) }},
			{"mapping", func(c *Config, i int) { c.Mapping = Mapping(i % 2) }},
		} {
			b.Run(fmt.Sprintf("%s/%d", change.what, mappings), func(b *testing.B) {
				l := newLab(b)
				listenUDP(b, l.outside, remoteAddr(0, 0))
				c := config()
				l.apply(b, c)
				var took []time.Duration
				for i := 1; b.Loop(); i++ {
					l.open(b, 1024, mappings)
					change.alter(&c, i)
					begin := time.Now()
					changed, err := l.Apply(c)
					took = append(took, time.Since(begin))
					require.NoError(b, err)
					require.True(b, changed)
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "ms")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
