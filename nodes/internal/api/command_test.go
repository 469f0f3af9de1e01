package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBadCommandLines(t *testing.T) {
	tests := []struct{ line, want string }{
		{"client api", "client: which command? Choose one of: backlog, "},
		{"client api tpc", "client: tpc: no such command; choose one of: backlog, "},
		{"client api tcp", "client: which server? Give its address: client api tcp 10.1.1.11:50007 ("},
		{"client api tcp 10.1.1.11", `client: "10.1.1.11" has no port; write 10.1.1.11:50007 (`},
		{"client api tcp 127.0.0.1:1 127.0.0.1:2", "client: 127.0.0.1:2: one address is enough ("},
		{"client api types 127.0.0.1:1", "client: 127.0.0.1:1: this topic takes no address ("},
		{"client api raw ::1", `client: "::1" is not an IPv4 address; write 10.1.1.11 (`},
		{"client api reuse x", `client: "x" is not an address; `},
		{"client api connect-errors x", `client: "x" has no port; `},
		{"client api connect-errors --timeout -1s 127.0.0.1:1", "client: --timeout -1s: "},
		{"client api tcp --limit 0s 127.0.0.1:1", "client: --limit 0s: must be more than nothing, such as 30s ("},
		{"client api tcp --lang fr 127.0.0.1:1", `client: invalid argument "fr" for "--lang" flag: no such language; choose en or zh (`},
		{"client api vanished --how x 127.0.0.1:1", `client: invalid argument "x" for "--how" flag: no such way; choose one of close, reset, stay (`},
		{"server api tcp x", `server: "x" is not an address; `},
		{"server api backlog --backlog -1", "server: --backlog -1: choose from 0 to 100 ("},
	}
	for _, test := range tests {
		p := start(t, test.line)
		out, status := p.wait(t)
		assert.Equal(t, 2, status, test.line)
		assert.Empty(t, out, test.line)
		assert.True(t, strings.HasPrefix(p.errors.String(), test.want), "%s: %s", test.line, &p.errors)
		assert.Equal(t, 1, strings.Count(p.errors.String(), "\n"), test.line)
	}
}

// TestPortTaken has a script stop at a call that it cannot go on without.
func TestPortTaken(t *testing.T) {
	first := start(t, "server api tcp 127.0.0.1:0")
	at := first.ready(t).String()
	second := start(t, "server api tcp "+at)
	out, status := second.wait(t)
	assert.Equal(t, 1, status)
	assert.Contains(t, out, "bind(3, "+at+") = -1, errno 98 EADDRINUSE (Windows: 10048 WSAEADDRINUSE)")
	assert.NotContains(t, out, "listen(")
	assert.Equal(t, "server: bind: EADDRINUSE (98) address already in use: "+at+"\n", second.errors.String())
	terminate(t, first, 0)
}

func TestList(t *testing.T) {
	client, server := run(t, "client api list"), run(t, "server api list --lang zh")
	for _, topic := range topics() {
		line := topic.name + strings.Repeat(" ", 16-len(topic.name))
		assert.Equal(t, topic.alone != nil || topic.client != nil, strings.Contains(client, line+topic.about.en+"\n"), topic.name)
		assert.Equal(t, topic.alone != nil || topic.server != nil, strings.Contains(server, line+topic.about.zh+"\n"), topic.name)
	}
}

// TestJSON has every call as an event.
func TestJSON(t *testing.T) {
	type event struct {
		Event, Call, Result, Name, Note string
		Args                            []string
		Errno, Windows                  int
	}
	var got []event
	for line := range strings.Lines(run(t, "client api connect-errors --log json --timeout 5s 127.0.0.1:1")) {
		var e event
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		got = append(got, e)
	}
	fcntl := event{Event: "call", Call: "fcntl", Args: []string{"3", "F_SETFL", "O_RDWR|O_NONBLOCK"}, Result: "0"}
	to := []string{"3", "127.0.0.1:1"}
	require.Len(t, got, 8)
	assert.Equal(t, []event{
		{Event: "call", Call: "socket", Args: []string{"AF_INET", "SOCK_STREAM", "0"}, Result: "3"},
		fcntl,
		{Event: "call", Call: "settimeout", Args: []string{"3", "5.0"}, Result: "None"},
		{Event: "call", Call: "connect", Args: to, Result: "-1, errno 115 EINPROGRESS", Errno: 115, Name: "EINPROGRESS", Windows: 10035},
		{Event: "call", Call: "poll", Args: []string{"[3 POLLOUT]", "5000"}, Result: "1 POLLOUT|POLLERR|POLLHUP"},
		{Event: "call", Call: "getsockopt", Args: []string{"3", "SOL_SOCKET", "SO_ERROR"}, Result: "111 ECONNREFUSED (Windows: 10061 WSAECONNREFUSED)"},
		{Event: "call", Call: "connect_ex", Args: to, Result: "111 ECONNREFUSED", Errno: 111, Name: "ECONNREFUSED", Windows: 10061},
		{Event: "call", Call: "close", Args: []string{"3"}, Result: "0"},
	}, got)
}

// TestEverythingOfTheTutorialsIsSeen has each call, family, type, flag and error that
// the tutorials name in some transcript, with its result.
func TestEverythingOfTheTutorialsIsSeen(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		all.WriteString("\n")
		all.Write(b)
	}
	for _, call := range []string{
		"socket", "setsockopt", "getsockopt", "bind", "listen", "accept", "connect", "connect_ex", "setblocking",
		"settimeout", "gettimeout", "recv", "recvfrom", "send", "sendall", "sendto", "makefile", "getpeername",
		"getsockname", "fileno", "close", "shutdown", "poll",
	} {
		assert.Contains(t, all.String(), "\n"+call+"(")
	}
	for _, shown := range []string{
		"socket(AF_INET, SOCK_STREAM, 0) = 3", "socket(AF_INET, SOCK_DGRAM, 0) = 3", "socket(AF_INET6, SOCK_STREAM, 0) = 3",
		"socket(AF_UNIX, SOCK_STREAM, 0) = 3", "socket(AF_UNIX, SOCK_DGRAM, 0) = 3", "socket(AF_UNIX, SOCK_SEQPACKET, 0) = 3",
		"socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) = 3", "socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) = -1, errno 1 EPERM",
		"socket(AF_INET, SOCK_RDM, 0) = -1, errno 94 ESOCKTNOSUPPORT",
		"SOL_SOCKET, SO_REUSEADDR, 1) = 0", "SO_REUSEADDR, 4) = 4 bytes", "SO_RCVBUF) = 20000", "SO_SNDBUF) = 20000",
		"MSG_PEEK) = ", "MSG_WAITALL) = ", "MSG_DONTWAIT) = ",
		"= 111 ECONNREFUSED (Windows: 10061 WSAECONNREFUSED)", "= 101 ENETUNREACH", "= 110 ETIMEDOUT after 3.… s (Windows: 10060 WSAETIMEDOUT)",
		"= 115 EINPROGRESS", "errno 11 EAGAIN (Windows: 10035 WSAEWOULDBLOCK)", "errno 93 EPROTONOSUPPORT",
		"errno 98 EADDRINUSE (Windows: 10048 WSAEADDRINUSE)", "errno 99 EADDRNOTAVAIL",
		"errno 104 ECONNRESET (Windows: 10054 WSAECONNRESET)", "errno 32 EPIPE", "errno 107 ENOTCONN", "errno 90 EMSGSIZE",
		"flags MSG_TRUNC",
	} {
		assert.Contains(t, all.String(), shown)
	}
}

// TestClaimsCanBeTried has every command line of docs/claims.md name a topic of that
// program.
func TestClaimsCanBeTried(t *testing.T) {
	b, err := os.ReadFile("../../../docs/claims.md")
	require.NoError(t, err)
	found := 0
	for _, line := range regexp.MustCompile("`(client|server) api ([a-z-]+)[^`]*`").FindAllStringSubmatch(string(b), -1) {
		cmd := ClientCommand()
		if line[1] == "server" {
			cmd = ServerCommand()
		}
		args := strings.Fields(strings.Trim(line[0], "`"))[2:]
		sub, rest, err := cmd.Find(args)
		require.NoError(t, err, line[0])
		assert.Equal(t, line[2], sub.Name(), line[0])
		assert.NoError(t, sub.ParseFlags(rest), line[0])
		found++
	}
	assert.Greater(t, found, 20)
}
