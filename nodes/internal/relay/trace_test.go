package relay

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// The relay's own counters say that bytes are spliced; here the kernel says it, by a
// trace of the system calls of a relay that carries both ways.
func TestATraceShowsTheSplice(t *testing.T) {
	strace := nodetest.Foreign(t, "strace", "strace")
	const forth, back = 8 << 20, 3 << 20
	trace := filepath.Join(t.TempDir(), "trace")
	target := nodetest.Listen(t)

	relay := roleCommand(t, "relay-to", target.Addr().String())
	cmd := exec.Command(strace, append([]string{
		"--follow-forks", "--decode-fds=all", "--signal=none", "--output=" + trace,
		"--trace=" + strings.Join(tracedCalls, ","), relay.Path,
	}, relay.Args[1:]...)...)
	cmd.Env, cmd.Stderr = relay.Env, os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	ended := false
	defer func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	require.NoError(t, err)
	address, err := strconv.Unquote(strings.TrimSpace(first))
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, lines) }()

	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	s := nodetest.Accept(t, target)
	carry(t, c, s, forth)
	carry(t, s, c, back)
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	nodetest.ReceiveEnd(t, s, "")
	s.Close()
	nodetest.ReceiveEnd(t, c, "")
	in.Close()
	require.NoError(t, cmd.Wait())
	ended = true

	moved := readTrace(t, trace)
	t.Logf("%v", moved)
	assert.EqualValues(t, forth+back, moved["splice from TCP"])
	assert.EqualValues(t, forth+back, moved["splice to TCP"])
	delete(moved, "splice from TCP")
	delete(moved, "splice to TCP")
	assert.Empty(t, moved, "bytes of connections that were moved by other calls")
}

// carry sends n bytes from one end to the other.
func carry(t *testing.T, from, to net.Conn, n int) {
	t.Helper()
	go func() { _, _ = io.WriteString(from, text(n)) }()
	_, err := io.CopyN(io.Discard, struct{ io.Reader }{to}, int64(n))
	require.NoError(t, err)
}

// tracedCalls are those by which the bytes of a connection can be moved.
var tracedCalls = []string{
	"splice", "vmsplice", "tee", "sendfile", "copy_file_range",
	"read", "readv", "pread64", "preadv", "preadv2", "recvfrom", "recvmsg", "recvmmsg",
	"write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg",
	"io_uring_enter",
}

// A line of the trace, such as
//
//	9 splice(7<TCP:[127.0.0.1:1->127.0.0.1:2]>, NULL, 12<pipe:[5]>, NULL, 87381, ...) = 65536
//
// or, when another thread came in between, its beginning and then its end.
var (
	traceCall       = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += (-?\d+)`)
	traceUnfinished = regexp.MustCompile(`^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$`)
	traceResumed    = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)`)
)

// readTrace returns how many bytes went from and to TCP sockets by which call.
func readTrace(t *testing.T, path string) map[string]int64 {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	moved := map[string]int64{}
	begun := map[string]string{} // by thread
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := traceUnfinished.FindStringSubmatch(line); m != nil {
			begun[m[1]] = m[3]
			continue
		}
		m := traceCall.FindStringSubmatch(line)
		if m == nil {
			if m = traceResumed.FindStringSubmatch(line); m == nil {
				continue
			}
			m[3] = begun[m[1]] + m[3]
		}
		n, err := strconv.ParseInt(m[4], 10, 64)
		require.NoError(t, err, line)
		if n <= 0 || !strings.Contains(m[3], "<TCP") {
			continue
		}
		switch call, arguments := m[2], m[3]; {
		case call != "splice":
			moved[call] += n
		case strings.Contains(strings.SplitN(arguments, ", ", 2)[0], "<TCP"):
			moved["splice from TCP"] += n
		default:
			moved["splice to TCP"] += n
		}
	}
	require.NoError(t, lines.Err())
	return moved
}

// relayToRole is a relay from any loopback port to args[0].
func relayToRole(args []string) error {
	return serveUntilEOF(DefaultOptions().MaxConnections, Forward{Protocol: TCP, Listen: loopback, Target: args[0]})
}
