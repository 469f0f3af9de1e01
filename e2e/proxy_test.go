package e2e

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProxy(t *testing.T) {
	l := start(t, "proxy")
	playLesson(t, l, "proxy")

	const (
		proxy   = "10.22.1.20:1080"
		outside = "198.18.22.20"
	)
	t.Run("no direct way", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "echo", "198.18.22.10:50007", "hi")
		assert.Equal(t, 1, exit)
		assert.Contains(t, only(t, all, "error").text("text"), "connect: ENETUNREACH (101)")
	})
	for _, way := range []struct {
		name string
		args []string
	}{
		{"SOCKS5", []string{"--proxy", "socks5://ann:secret@" + proxy}},
		{"CONNECT", []string{"--proxy", "http://ann:secret@" + proxy}},
		{"datagrams", []string{"--udp", "--proxy", "socks5://ann:secret@" + proxy}},
	} {
		for _, server := range []string{"198.18.22.10:50007", "server.example:50007"} {
			t.Run(way.name+" to "+server, func(t *testing.T) {
				all, exit := events(t, l, "host-a", append(append([]string{"echo"}, way.args...), server, "hi")...)
				require.Zero(t, exit, "%v", all)
				assert.Equal(t, "hi", only(t, all, "reply").text("text"))
				assert.Equal(t, outside, only(t, all, "observed").addr(t, "address").Addr().String(), "the server sees the proxy")
				connected := only(t, all, "connected")
				assert.Equal(t, "10.22.1.10", connected.addr(t, "getsockname").Addr().String())
				assert.Equal(t, proxy, connected.addr(t, "getpeername").String(), "host-a talks to the proxy alone")
				assert.Equal(t, server, only(t, all, "proxied").text("remote"))
				for _, e := range all {
					assert.NotEqual(t, "resolved", e.name(), "a name is the proxy's to look up")
				}
			})
		}
	}
	t.Run("the reply says what the server sees", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "echo", "--proxy", "socks5://ann:secret@"+proxy, "198.18.22.10:50007", "hi")
		require.Zero(t, exit)
		assert.Equal(t, only(t, all, "observed").text("address"), only(t, all, "proxied").text("bound"))
	})
	t.Run("a web page crosses it", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "http", "--proxy", "http://ann:secret@"+proxy, "server.example:8000")
		require.Zero(t, exit, "%v", all)
		assert.EqualValues(t, 200, only(t, all, "status")["status"])
	})
	for _, refused := range []struct{ name, proxy, server, want string }{
		{"no password", "socks5://" + proxy, "198.18.22.10:50007", "socks5: the proxy wants a user name and password"},
		{"wrong password", "socks5://ann:guess@" + proxy, "198.18.22.10:50007", "socks5: the proxy refuses the user name or password"},
		{"wrong user", "http://eve:secret@" + proxy, "198.18.22.10:50007", "http: 407: the proxy refuses the user name or password"},
		{"the proxy's loopback", "socks5://ann:secret@" + proxy, "127.0.0.1:1080", "socks5: reply 2 connection not allowed by ruleset"},
		{"by its IPv4-mapped form", "http://ann:secret@" + proxy, "[::ffff:127.0.0.1]:1080", "http: 403 Forbidden"},
		{"by 0.0.0.0", "socks5://ann:secret@" + proxy, "0.0.0.0:1080", "socks5: reply 2 connection not allowed by ruleset"},
		{"by a name", "socks5://ann:secret@" + proxy, "liar.example:1080", "socks5: reply 2 connection not allowed by ruleset"},
		{"the proxy's address inside", "socks5://ann:secret@" + proxy, proxy, "socks5: reply 2 connection not allowed by ruleset"},
		{"the proxy's address outside", "socks5://ann:secret@" + proxy, outside + ":1080", "socks5: reply 2 connection not allowed by ruleset"},
		{"a closed port", "socks5://ann:secret@" + proxy, "198.18.22.10:50008", "socks5: reply 5 connection refused"},
		{"no such name", "socks5://ann:secret@" + proxy, "nobody.example:50007", "socks5: reply 4 host unreachable"},
	} {
		t.Run(refused.name, func(t *testing.T) {
			all, exit := events(t, l, "host-a", "echo", "--proxy", refused.proxy, refused.server, "hi")
			assert.Equal(t, 1, exit)
			assert.Contains(t, only(t, all, "error").text("text"), refused.want)
		})
	}
	t.Run("the outside cannot use it", func(t *testing.T) {
		all, exit := events(t, l, "server", "echo", "--proxy", "socks5://ann:secret@"+outside+":1080", "10.22.1.10:50007", "hi")
		assert.Equal(t, 1, exit)
		assert.Contains(t, only(t, all, "error").text("text"), "connect: ECONNREFUSED (111)")
	})
	t.Run("the server has never met host-a", func(t *testing.T) {
		for _, n := range []string{"server", "dns"} {
			var log bytes.Buffer
			require.NoError(t, l.Node(n).Logs(t.Context(), &log, false))
			assert.Contains(t, log.String(), outside, n)
			assert.NotContains(t, log.String(), "10.22.1.10", n)
		}
	})
}
