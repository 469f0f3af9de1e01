package service

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// program is the program server in a process of its own, so that its memory is no
// client's.
type program struct {
	*exec.Cmd
}

// startProgram runs server with args until stop is called.
func startProgram(b *testing.B, args ...string) *program {
	b.Helper()
	cmd := exec.Command("/proc/self/exe", append([]string{asServer}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = cmd.Process.Kill() }) // if the benchmark fails before stop
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	require.True(b, strings.HasPrefix(line, "ready "), line)
	return &program{cmd}
}

func (p *program) stop(b *testing.B) {
	b.Helper()
	require.NoError(b, p.Process.Signal(os.Interrupt))
	require.NoError(b, p.Wait())
}

// rss is the memory of the process that is in use, in bytes.
func (p *program) rss(b *testing.B) int64 {
	b.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	require.NoError(b, err)
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(s.Text(), "VmRSS: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	require.Fail(b, "no VmRSS")
	return 0
}

const (
	manyClients = 5000
	slowClients = 1000
)

// BenchmarkConnections holds 5,000 connections open, each of which has had an
// answer, and measures the server's memory for each.
func BenchmarkConnections(b *testing.B) {
	for _, tt := range []struct{ service, addr, greeting, message, answer string }{
		{"echo", "127.0.0.121:50007", "", "hello", "hello"},
		{"menu", "127.0.0.121:8009", menuGreeting, "0", menuRecorded},
	} {
		b.Run(tt.service, func(b *testing.B) {
			for b.Loop() {
				server := startProgram(b, tt.service+"="+tt.addr, "--quiet")
				before := server.rss(b)
				conns := make([]net.Conn, manyClients)
				begin := time.Now()
				var g errgroup.Group
				g.SetLimit(64)
				for i := range conns {
					g.Go(func() (err error) {
						if conns[i], err = net.Dial("tcp", tt.addr); err != nil {
							return err
						}
						return exchange(conns[i], tt.greeting, tt.message, tt.answer)
					})
				}
				require.NoError(b, g.Wait())
				took := time.Since(begin)
				b.ReportMetric(float64(server.rss(b)-before)/manyClients, "B/conn")
				b.ReportMetric(manyClients/took.Seconds(), "conns/s")
				for _, c := range conns {
					require.NoError(b, c.Close())
				}
				server.stop(b)
			}
		})
	}
}

// exchange hears the greeting, says the message and hears the answer.
func exchange(c net.Conn, greeting, message, answer string) error {
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, make([]byte, len(greeting))); err != nil {
		return err
	}
	if _, err := io.WriteString(c, message); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, len(answer)))
	return err
}

// BenchmarkFastAmongSlow measures the round trip of one fast client of echo, alone
// and among 1,000 clients that send a byte a second, which are in a process of their
// own. The two take turns, so that what else the machine does is in both; the
// figures are medians.
func BenchmarkFastAmongSlow(b *testing.B) {
	const addr = "127.0.0.122:50007"
	const rounds, trips = 21, 3000
	for b.Loop() {
		server := startProgram(b, "echo="+addr, "--quiet")
		fast, err := net.Dial("tcp", addr)
		require.NoError(b, err)
		slow := startSlow(b, addr)
		var alone, among []float64
		for range rounds {
			alone = append(alone, roundTrip(b, fast, trips))
			slow.toggle(b)
			among = append(among, roundTrip(b, fast, trips))
			slow.toggle(b)
		}
		b.ReportMetric(median(alone), "alone-µs")
		b.ReportMetric(median(among), "among-µs")
		b.ReportMetric(median(among)/median(alone), "ratio")
		slow.stop(b)
		require.NoError(b, fast.Close())
		server.stop(b)
	}
}

// roundTrip is the mean time of a message there and back, in microseconds.
func roundTrip(b *testing.B, c net.Conn, times int) float64 {
	b.Helper()
	message := []byte("a message of 32 bytes, as it were")
	begin := time.Now()
	for range times {
		_, err := c.Write(message)
		require.NoError(b, err)
		_, err = io.ReadFull(c, message)
		require.NoError(b, err)
	}
	return float64(time.Since(begin).Microseconds()) / float64(times)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}
