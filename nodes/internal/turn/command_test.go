package turn

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// run runs a command of the program relay or client.
func run(tb testing.TB, program string, args ...string) (status int, stdout, stderr string) {
	tb.Helper()
	cmd := &cobra.Command{Use: program}
	if program == "relay" {
		cmd.AddCommand(Command())
	} else {
		cmd.AddCommand(ClientCommand())
	}
	var out, errs nodetest.Log
	status = node.Run(tb.Context(), cmd, args, &out, &errs)
	return status, out.String(), errs.String()
}

func TestBadFlags(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(file, []byte("alice:wonderland\n# bob is away\nnobody\n"), 0o600))
	for _, tt := range []struct{ program, args, want string }{
		{"relay", "turn", "nobody may use this server; name users by --user, --users or --secret"},
		{"relay", "turn --user alice", "--user: want NAME:PASSWORD"},
		{"relay", "turn --users " + file, "--users " + file + ": line 3: want NAME:PASSWORD"},
		{"relay", "turn --users /nowhere", "--users: open /nowhere: no such file or directory"},
		{"relay", "turn --user a:b --realm=", "--realm: want a word of at most 127 bytes"},
		{"relay", "turn --user a:b --ports 50000", `--ports "50000": want FIRST-LAST, from 1 to 65535`},
		{"relay", "turn --user a:b --ports 9-8", `--ports "9-8": want FIRST-LAST, from 1 to 65535`},
		{"relay", "turn --user a:b --public nowhere", `--public "nowhere" is not an IP address`},
		{"relay", "turn --user a:b --public 127.0.0.1", "--public 127.0.0.1: no peer could send there"},
		{"relay", "turn --user a:b --lifetime 2h", "--lifetime 2h0m0s, --max-lifetime 1h0m0s: want at least 1s, the second not below the first, at most 1h"},
		{"relay", "turn --user a:b --allow 10.0.0.0/8:80", "--allow 10.0.0.0/8:80: a permission of TURN is for every port; leave the port out"},
		{"relay", "turn --user a:b --rate -1", "--rate -1: want bytes a second, or 0 for no bound"},
		{"relay", "turn --user a:b --listen somewhere", `--listen "somewhere" is not an address; write 10.1.1.10:4000, :4000, or [2001:db8::1]:4000`},
		{"client", "turn echo 127.0.0.1:3478 127.0.0.1:9 hi", "--user and --password: a TURN server asks who uses it"},
		{"client", "turn echo 127.0.0.1 127.0.0.1:9 hi --user a --password b", `server "127.0.0.1" has no port; write 127.0.0.1:3478`},
		{"client", "turn echo 127.0.0.1:3478 127.0.0.1 hi --user a --password b", `peer "127.0.0.1" has no port; write 127.0.0.1:50007`},
		{"client", "turn wait 127.0.0.1:3478 --permit me --user a --password b", `--permit "me": want IP or IP:PORT`},
		{"client", "turn wait 127.0.0.1:3478 --lifetime 10ms --user a --password b", "--lifetime 10ms: want whole seconds, or 0"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			status, stdout, stderr := run(t, tt.program, strings.Fields(tt.args)...)
			assert.Equal(t, 2, status)
			assert.Empty(t, stdout)
			assert.True(t, strings.HasPrefix(stderr, tt.program+": "+tt.want+" (see: "), "%s", stderr)
			assert.Equal(t, 1, strings.Count(stderr, "\n"))
		})
	}
}

// What the client prints, against our server.
func TestClientPrintsItsSteps(t *testing.T) {
	config := testConfig(t)
	config.FirstPort, config.LastPort = 50993, 50993
	s := startServer(t, config)
	server := s.Addrs()[0].String()
	h := newHost(t)
	go func() {
		b := make([]byte, 100)
		for {
			_ = h.SetReadDeadline(time.Now().Add(patience))
			n, from, err := h.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = h.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	args := []string{"turn", "echo", server, h.at().String(), "hello", "--channel", "--tcp", "--user", "alice", "--password", "wonderland"}
	status, stdout, stderr := run(t, "client", args...)
	require.Zero(t, status, stderr)
	assert.Regexp(t, `^connected  tcp 127.0.0.1:\d+ -> `+server+`
observed   127.0.0.1:\d+
allocated  127.0.0.1:50993, for 600 s
permitted  127.0.0.1
channel    0x4000 is `+h.at().String()+`
sent       5 bytes to `+h.at().String()+`, as 12 bytes to the relay
reply      hello \(from `+h.at().String()+`\)
released   127.0.0.1:50993
$`, stdout)

	status, _, stderr = run(t, "client", "turn", "echo", server, h.at().String(), "hello", "--user", "alice", "--password", "rabbit")
	assert.Equal(t, 1, status)
	assert.Equal(t, "client: Allocate: 401 Unauthorized: "+server+"\n", stderr)
	status, _, stderr = run(t, "client", "turn", "echo", server, h.at().String(), "hello", "--no-permission", "--timeout", "50ms", "--user", "alice", "--password", "wonderland")
	assert.Equal(t, 1, status)
	assert.Equal(t, "client: no reply within 0.05 s (--timeout)\n", stderr)
}
