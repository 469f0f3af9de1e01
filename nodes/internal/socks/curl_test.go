package socks

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// TestCurl is another's client with our proxy.
func TestCurl(t *testing.T) {
	curl := nodetest.Foreign(t, "curl", "curl")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+r.Host+" "+string(body))
	}))
	defer server.Close()
	port := server.URL[strings.LastIndex(server.URL, ":")+1:]
	config := onLoopback(t)
	open := startProxy(t, config).Addrs()[0].String()
	require.NoError(t, config.Users.Add("ann:secret"))
	closed := startProxy(t, config).Addrs()[0].String()

	for _, c := range []struct {
		name   string
		args   []string
		stdout string
		exit   int
		stderr string
	}{
		{"socks5", []string{"-x", "socks5://" + open, "http://127.0.0.1:" + port}, "GET 127.0.0.1:" + port + " ", 0, ""},
		{"socks5h", []string{"-x", "socks5h://" + open, "http://localhost:" + port}, "GET localhost:" + port + " ", 0, ""},
		{"socks5h password", []string{"-x", "socks5h://ann:secret@" + closed, "http://localhost:" + port}, "GET localhost:" + port + " ", 0, ""},
		{"socks5h wrong password", []string{"-x", "socks5h://ann:wrong@" + closed, "http://localhost:" + port}, "", 97, "rejected by the SOCKS5 server"},
		{"socks5h no password", []string{"-x", "socks5h://" + closed, "http://localhost:" + port}, "", 97, "No authentication method was acceptable"},
		{"socks5h refused", []string{"-x", "socks5h://" + open, "http://127.0.0.1:1"}, "", 97, "(5)"},
		{"socks5h not allowed", []string{"-x", "socks5h://" + open, "http://0.0.0.0:" + port}, "", 97, "(2)"},
		{"socks5h post", []string{"-x", "socks5h://" + open, "--data", strings.Repeat("x", 70_000), "http://localhost:" + port}, "POST localhost:" + port + " " + strings.Repeat("x", 70_000), 0, ""},
		{"CONNECT", []string{"-p", "-x", "http://" + open, "http://localhost:" + port}, "GET localhost:" + port + " ", 0, ""},
		{"CONNECT password", []string{"-p", "-x", "http://ann:secret@" + closed, "http://localhost:" + port}, "GET localhost:" + port + " ", 0, ""},
		{"CONNECT password, found out", []string{"-p", "--proxy-anyauth", "-x", "http://ann:secret@" + closed, "http://localhost:" + port}, "GET localhost:" + port + " ", 0, ""},
		{"CONNECT wrong password", []string{"-p", "-x", "http://ann:wrong@" + closed, "http://localhost:" + port}, "", 56, "response 407"},
		{"CONNECT no password", []string{"-p", "-x", "http://" + closed, "http://localhost:" + port}, "", 56, "response 407"},
		{"CONNECT refused", []string{"-p", "-x", "http://" + open, "http://127.0.0.1:1"}, "", 56, "response 502"},
		{"CONNECT not allowed", []string{"-p", "-x", "http://" + open, "http://0.0.0.0:" + port}, "", 56, "response 403"},
		{"no CONNECT", []string{"-f", "-x", "http://" + open, "http://localhost:" + port}, "", 22, "405"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), curl, append([]string{"-q", "-sS", "--max-time", "20", "--noproxy", ""}, c.args...)...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run()
			assert.Equal(t, c.exit, cmd.ProcessState.ExitCode(), "%s", stderr.String())
			assert.Equal(t, c.stdout, stdout.String())
			assert.Contains(t, stderr.String(), c.stderr)
		})
	}
}
