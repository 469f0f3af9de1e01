package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

const (
	echoAddr  = "127.0.0.101:50007"
	upperAddr = "127.0.0.101:8081"
	replyAddr = "127.0.0.101:9999"
)

// output fills in the local address, which the kernel chose.
func output(format, local string) string { return strings.ReplaceAll(format, "LOCAL", local) }

func TestTalk(t *testing.T) {
	serve(t, "echo="+echoAddr, "upper="+upperAddr, "reply="+replyAddr)
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"echo", echoAddr, "Hello, world"},
			"connected  LOCAL -> " + echoAddr + "\nreply      Hello, world\nobserved   LOCAL\n"},
		{[]string{"echo", echoAddr, "one", "two", "--observe", "first"},
			"connected  LOCAL -> " + echoAddr + "\nobserved   LOCAL\nreply      one\nreply      two\n"},
		{[]string{"echo", echoAddr, "one", "--observe=no"},
			"connected  LOCAL -> " + echoAddr + "\nreply      one\n"},
		{[]string{"echo", echoAddr},
			"connected  LOCAL -> " + echoAddr + "\nobserved   LOCAL\n"},
		{[]string{"upper", upperAddr, "shout 1"},
			"connected  LOCAL -> " + upperAddr + "\nreply      SHOUT 1\nobserved   LOCAL\n"},
		{[]string{"reply", replyAddr},
			"connected  LOCAL -> " + replyAddr + "\nreply      不要回答,不要回答,不要回答\n"},
		{[]string{"reply", replyAddr, "?", "--observe=first"},
			"connected  LOCAL -> " + replyAddr + "\nobserved   LOCAL\nreply      不要回答,不要回答,不要回答\n"},
		{[]string{"echo", "--udp", echoAddr, "one", ""},
			"sent       LOCAL -> " + echoAddr + " 3 bytes\nreply      one (ttl 64)\n" +
				"sent       LOCAL -> " + echoAddr + " 0 bytes\nreply       (ttl 64)\nobserved   LOCAL\n"},
		{[]string{"echo", "--udp", "--recverr", echoAddr, "one", "--observe=first"},
			"observed   LOCAL\nsent       LOCAL -> " + echoAddr + " 3 bytes\nreply      one (ttl 64)\n"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			got := call(t, tt.args...)
			assert.Equal(t, 0, got.status, got.stderr)
			assert.Equal(t, output(tt.want, localOf(t, got.stdout)), got.stdout)
		})
	}
}

func TestBind(t *testing.T) {
	serve(t, "echo="+echoAddr)
	port := fmt.Sprint(nodetest.FreePort(t))
	got := call(t, "echo", echoAddr, "x", "--bind", "127.0.0.102:"+port)
	assert.Equal(t, "connected  127.0.0.102:"+port+" -> "+echoAddr+"\nreply      x\nobserved   127.0.0.102:"+port+"\n", got.stdout, got.stderr)
	got = call(t, "echo", "--udp", echoAddr, "x", "--bind", "127.0.0.102")
	assert.Contains(t, got.stdout, "observed   127.0.0.102:")
	got = call(t, "echo", echoAddr, "x", "--bind", "192.0.2.1:5")
	assert.Equal(t, result{1, "", "client: bind: EADDRNOTAVAIL (99) cannot assign requested address: 192.0.2.1:5\n"}, got)
	got = call(t, "echo", echoAddr, "x", "--bind", "::1")
	assert.Equal(t, result{1, "", "client: bind: ::1 cannot reach " + echoAddr + ": one is IPv4, the other IPv6\n"}, got)
}

func TestLinesOfStandardInput(t *testing.T) {
	serve(t, "echo="+echoAddr)
	got := callWith(t, strings.NewReader("one\n\ntwo"), "echo", echoAddr, "--observe=no")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, output("connected  LOCAL -> "+echoAddr+"\nreply      one\nreply      two\n", localOf(t, got.stdout)), got.stdout)
	got = callWith(t, strings.NewReader(strings.Repeat("x", maxLine+1)), "echo", echoAddr)
	assert.Equal(t, "client: read standard input: bufio.Scanner: token too long\n", got.stderr)
}

func TestJSONHasBothNamesOfAnAddress(t *testing.T) {
	serve(t, "echo="+echoAddr)
	for _, args := range [][]string{{"echo", echoAddr, "hi"}, {"echo", "--udp", echoAddr, "hi"}} {
		got := call(t, append(args, "--log", "json")...)
		var first map[string]any
		require.NoError(t, json.NewDecoder(strings.NewReader(got.stdout)).Decode(&first))
		assert.Equal(t, echoAddr, first["remote"])
		assert.Equal(t, echoAddr, first["getpeername"])
		assert.NotEmpty(t, first["local"])
		assert.Equal(t, first["local"], first["getsockname"])
		assert.Contains(t, got.stdout, fmt.Sprintf(`"event":"observed","address":%q`, first["local"]))
	}
}

func TestNamesAreResolved(t *testing.T) {
	serve(t, "echo=127.0.0.1:50117")
	got := call(t, "echo", "localhost:50117", "hi", "--observe=no")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Regexp(t, `^resolved   localhost -> .*127\.0\.0\.1.*\nconnected  `, got.stdout)
}

func TestForeignEchoDoesNotTell(t *testing.T) {
	server := foreign(t, func(c net.Conn) { _, _ = io.Copy(c, c) })
	got := call(t, "echo", server, "hi")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, output("connected  LOCAL -> "+server+"\nreply      hi\nobserved   not told (the server does not answer STUN)\n",
		localOf(t, got.stdout)), got.stdout)
}

func TestAnswerInPieces(t *testing.T) {
	server := foreign(t, func(c net.Conn) {
		b := make([]byte, 5)
		_, _ = io.ReadFull(c, b)
		for i := range b {
			_, _ = c.Write(b[i : i+1])
		}
	})
	got := call(t, "echo", server, "piece", "--observe=no")
	assert.Contains(t, got.stdout, "reply      piece\n")
}

func TestErrorsNameTheCall(t *testing.T) {
	serve(t, "echo="+echoAddr)
	nobody := closedPort(t)
	closes := foreign(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 64)) })
	half := foreign(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 64)); _, _ = io.WriteString(c, "hal") })
	resets := foreign(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1)) // what is left unread makes the close an RST
	})
	silent := foreign(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	tests := []struct{ args, want string }{
		{"echo " + nobody + " hi", "connect: ECONNREFUSED (111) connection refused: " + nobody + " after 0.0"},
		{"echo --udp " + nobody + " hi", "recv: ECONNREFUSED (111) connection refused: " + nobody + " after 0.0"},
		{"echo --udp " + nobody + " --observe first", "recv: ECONNREFUSED (111) connection refused: " + nobody + " after 0.0"},
		{"echo " + closes + " hi", "recv: EOF: " + closes + " closed after 0 of 2 bytes\n"},
		{"reply " + closes, "recv: EOF: " + closes + " closed without an answer\n"},
		{"upper " + half + " half", "recv: EOF: " + half + " closed after 3 of 4 bytes\n"},
		{"echo " + resets + " hello", "recv: ECONNRESET (104) connection reset by peer: " + resets + "\n"},
		{"echo " + silent + " hi --timeout 0.05s", "recv: timed out: " + silent + " after 0.05 s (--timeout)\n"},
		{"echo --udp " + echoAddr + " " + strings.Repeat("x", 65508), "send: EMSGSIZE (90) message too long: " + echoAddr + " after 0.0"},
		{"echo does-not-exist.invalid:50007 hi", "getaddrinfo: "},
	}
	for _, tt := range tests {
		t.Run(tt.args[:min(40, len(tt.args))], func(t *testing.T) {
			got := call(t, strings.Fields(tt.args)...)
			assert.Equal(t, 1, got.status)
			assert.True(t, strings.HasPrefix(got.stderr, "client: "+tt.want), "%q is not %q", got.stderr, tt.want)
			assert.Equal(t, 1, strings.Count(got.stderr, "\n"))
		})
	}
}

func TestUsage(t *testing.T) {
	var names []string
	for _, c := range Command().Commands() {
		names = append(names, c.Name())
	}
	commands := strings.Join(names, ", ")
	for args, want := range map[string]string{
		"":                                  "which command? Choose one of: " + commands + " (see: client --help)",
		"ecoh":                              "ecoh: no such command; choose one of: " + commands + " (see: client --help)",
		"echo":                              "which server? Give its address: client echo 10.1.1.10:50007 (see: client echo --help)",
		"upper":                             "which server? Give its address: client upper 10.1.1.10:8081 (see: client upper --help)",
		"echo 10.1.1.10 hi":                 `"10.1.1.10" has no port; write 10.1.1.10:50007 (see: client echo --help)`,
		"echo 10.1.1.10:0 hi":               `"10.1.1.10:0": port "0" is not a number from 1 to 65535 (see: client echo --help)`,
		"echo 10.1.1.300:5 hi":              `"10.1.1.300:5": "10.1.1.300" is neither an IP address nor a name (see: client echo --help)`,
		"echo 10.1.1.10:5 hi --timeout 0s":  "--timeout 0s: must be more than nothing, such as 2s (see: client echo --help)",
		"echo 10.1.1.10:5 hi --timeout 5":   `invalid argument "5" for "--timeout" flag: time: missing unit in duration "5" (see: client echo --help)`,
		"echo 10.1.1.10:5 hi --bind x":      `--bind "x" is not an address; write 10.1.1.10:4000, :4000, or [2001:db8::1]:4000 (see: client echo --help)`,
		"echo 10.1.1.10:5 hi --observe now": `invalid argument "now" for "--observe" flag: no such moment; choose first, after or no (see: client echo --help)`,
		"upper 10.1.1.10:5 hi --udp":        "unknown flag: --udp (see: client upper --help)",
		"reply 10.1.1.10:5 a b":             "accepts at most 2 arg(s), received 3 (see: client reply --help)",
		"await 10.1.1.10":                   `"10.1.1.10" has no port; write 10.1.1.10:50007 (see: client await --help)`,
		"await 10.1.1.10:5 --timeout -1s":   "--timeout -1s: must be more than nothing, such as 30s (see: client await --help)",
		"idle 5":                            `unknown command "5" for "client idle" (see: client idle --help)`,
	} {
		got := call(t, strings.Fields(args)...)
		assert.Equal(t, result{2, "", "client: " + want + "\n"}, got, args)
	}
	got := call(t, "echo", "10.1.1.10:5", "")
	assert.Equal(t, "client: message 1 is empty: TCP has no empty messages (see: client echo --help)\n", got.stderr)
}

func TestTheEndOfTheContextEndsEveryWait(t *testing.T) {
	silent := foreign(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	quietUDP, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer quietUDP.Close()
	stdin, keepOpen, err := os.Pipe()
	require.NoError(t, err)
	defer stdin.Close()
	defer keepOpen.Close()
	tests := map[string]struct {
		args  []string
		until string // the output after which the context ends
	}{
		"recv":             {[]string{"echo", silent, "hi"}, "connected"},
		"recv of datagram": {[]string{"echo", "--udp", quietUDP.LocalAddr().String(), "hi"}, "sent"},
		"standard input":   {[]string{"echo", silent}, "connected"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			cmd := Command()
			cmd.SetIn(stdin)
			var stdout nodetest.Log
			var stderr bytes.Buffer
			done := make(chan int, 1)
			go func() { done <- node.Run(ctx, cmd, tt.args, &stdout, &stderr) }()
			stdout.Wait(t, tt.until)
			begin := time.Now()
			cancel(fmt.Errorf("enough"))
			assert.Equal(t, 1, <-done)
			assert.Less(t, time.Since(begin), time.Second)
			assert.Equal(t, "client: enough\n", stderr.String())
		})
	}
}
