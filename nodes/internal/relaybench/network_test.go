package relaybench

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// The client reaches the server either by a relay at relayIP or, directly, by the relay's
// namespace as a router.
const (
	clientIP, relayIP = "10.99.1.10", "10.99.1.20"
	serverIP, exitIP  = "10.99.2.10", "10.99.2.20"
	server            = serverIP + ":50007" // TCP and UDP
)

// patience is how long a benchmark waits for what must come.
const patience = 60 * time.Second

type network struct {
	client, relay, server *nstest.Namespace
	peer                  *child    // the server
	most                  int       // connections that a relay can have at once
	system                [2]string // tcp_rmem and tcp_wmem of the machine
}

func newNetwork(b *testing.B) *network {
	n := &network{client: nstest.New(b), relay: nstest.New(b), server: nstest.New(b), most: (descriptors(b) - 2000) / 2}
	nstest.Link(b, n.client, "eth0", clientIP+"/24", n.relay, "client", relayIP+"/24")
	nstest.Link(b, n.server, "eth0", serverIP+"/24", n.relay, "server", exitIP+"/24")
	n.client.Route(b, "10.99.2.0/24", relayIP)
	n.server.Route(b, "10.99.1.0/24", exitIP)
	n.relay.Sysctl(b, "net/ipv4/ip_forward", "1")
	for _, ns := range []*nstest.Namespace{n.client, n.relay, n.server} {
		// Thousands of connections one after the other from one address to one port.
		ns.Sysctl(b, "net/ipv4/ip_local_port_range", "1024 65000")
		ns.Sysctl(b, "net/ipv4/tcp_tw_reuse", "1")
		ns.Sysctl(b, "net/core/somaxconn", "8192")
	}
	n.system = [2]string{n.client.ReadSysctl(b, "net/ipv4/tcp_rmem"), n.client.ReadSysctl(b, "net/ipv4/tcp_wmem")}
	n.peer = startChild(b, n.server, roleCommand(b, "server", server))
	n.peer.expect(b, "ready")
	return n
}

// congestion has new connections use the algorithm name.
func (n *network) congestion(b *testing.B, name string) {
	for _, ns := range []*nstest.Namespace{n.client, n.relay, n.server} {
		ns.Sysctl(b, "net/ipv4/tcp_congestion_control", name)
	}
}

// buffers bounds what a TCP connection of any of the three hosts buffers in each direction,
// in bytes; 0 is what the machine has (tcp(7): tcp_rmem, tcp_wmem).
func (n *network) buffers(b *testing.B, most int) {
	for i, name := range []string{"net/ipv4/tcp_rmem", "net/ipv4/tcp_wmem"} {
		setting := n.system[i]
		if most > 0 {
			f := strings.Fields(setting)
			setting = fmt.Sprintf("%s %s %d", f[0], f[1], most)
		}
		for _, ns := range []*nstest.Namespace{n.client, n.relay, n.server} {
			ns.Sysctl(b, name, setting)
		}
	}
}

// ask sends the server a line and returns the number that it answers.
func (n *network) ask(b *testing.B, format string, args ...any) int64 {
	b.Helper()
	fmt.Fprintf(n.peer.in, format+"\n", args...)
	total, err := strconv.ParseInt(n.peer.line(b), 10, 64)
	require.NoError(b, err)
	return total
}

// child is a program of the benchmark, spoken to by lines.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startChild(b *testing.B, n *nstest.Namespace, cmd *exec.Cmd) *child {
	b.Helper()
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	n.Start(b, cmd)
	return &child{cmd: cmd, in: in, out: bufio.NewScanner(out)}
}

func (c *child) line(b *testing.B) string {
	b.Helper()
	require.True(b, c.out.Scan(), "%s ended", c.cmd)
	return c.out.Text()
}

func (c *child) expect(b *testing.B, line string) {
	b.Helper()
	require.Equal(b, line, c.line(b))
}

// numbers reads a line of numbers.
func (c *child) numbers(b *testing.B) []float64 {
	b.Helper()
	var numbers []float64
	for _, field := range strings.Fields(c.line(b)) {
		f, err := strconv.ParseFloat(field, 64)
		require.NoError(b, err)
		numbers = append(numbers, f)
	}
	return numbers
}

// end ends a role and waits for it.
func (c *child) end(b *testing.B) {
	c.in.Close()
	require.NoError(b, c.cmd.Wait())
}

// descendants returns the processes that pids have started, and pids.
func descendants(pids []int) map[int]bool {
	parents := map[int]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		if f := statFields(path); f != nil {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			parents[pid], _ = strconv.Atoi(f[1])
		}
	}
	family := map[int]bool{}
	for _, pid := range pids {
		family[pid] = true
	}
	for grew := true; grew; {
		grew = false
		for pid, parent := range parents {
			if family[parent] && !family[pid] {
				family[pid], grew = true, true
			}
		}
	}
	return family
}

// statFields are those of proc(5)'s stat from the third, the state, on.
func statFields(path string) []string {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil // it has ended
	}
	s := string(content)
	return strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
}

// processorTime is what pids and what they have started have used so far, in
// seconds, with what ran in their name in the kernel.
func processorTime(pids []int) float64 {
	var ticks int64
	for pid := range descendants(pids) {
		f := statFields(fmt.Sprintf("/proc/%d/stat", pid))
		if f == nil {
			continue
		}
		for _, field := range f[11:15] { // utime, stime, and of children that have ended
			n, _ := strconv.ParseInt(field, 10, 64)
			ticks += n
		}
	}
	return float64(ticks) / 100 // USER_HZ
}

// memory is what pids and what they have started have in memory, in kB, with shared
// pages in equal shares (PSS). The kernel's socket buffers are not in it.
func memory(b *testing.B, pids []int) float64 {
	var sum float64
	for pid := range descendants(pids) {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(content)) {
			if f := strings.Fields(line); f[0] == "Pss:" {
				kB, err := strconv.ParseFloat(f[1], 64)
				require.NoError(b, err)
				sum += kB
			}
		}
	}
	return sum
}

// load is the machine's load average of the last minute.
func load(b *testing.B) string {
	content, err := os.ReadFile("/proc/loadavg")
	require.NoError(b, err)
	return strings.Fields(string(content))[0]
}
