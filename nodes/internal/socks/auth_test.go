package socks

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

func TestAuthentication(t *testing.T) {
	config := onLoopback(t)
	for _, u := range []string{"ann:secret", "bob:a:b", strings.Repeat("n", 255) + ":" + strings.Repeat("p", 255)} {
		require.NoError(t, config.Users.Add(u))
	}
	for _, c := range []struct {
		user, password string
		right          bool
	}{
		{"ann", "secret", true},
		{"bob", "a:b", true},
		{strings.Repeat("n", 255), strings.Repeat("p", 255), true},
		{"ann", "Secret", false},
		{"ann", "secre", false},
		{"ann", "secret\x00", false},
		{"ann", "a:b", false},
		{"bob", "secret", false},
		{"eve", "secret", false},
		{"", "", false},
		{"ann", "", false},
		{"ann:secret", "", false},
	} {
		l := listen(t, "127.0.0.1:0")
		t.Run("socks5 "+c.user, func(t *testing.T) {
			p := startProxy(t, config)
			conn := p.dial(t)
			b := wire.AppendPassword(wire.AppendGreeting(nil, wire.NoAuthentication, wire.UsernamePassword), c.user, c.password)
			b, err := wire.AppendRequest(b, wire.Request{Command: wire.Connect, Address: remote(l.Addr())})
			require.NoError(t, err)
			_, err = conn.Write(b)
			require.NoError(t, err)
			nodetest.Receive(t, conn, "\x05\x02")
			if !c.right {
				nodetest.ReceiveEnd(t, conn, "\x01\x01") // and not a byte more
				assert.Contains(t, p.event(t, "refused")["error"], "socks5: wrong user name or password")
				return
			}
			nodetest.Receive(t, conn, "\x01\x00")
			reply, _, err := wire.ReadReply(conn)
			require.NoError(t, err)
			assert.Equal(t, wire.Succeeded, reply)
			assert.Equal(t, c.user, p.event(t, "asked")["user"])
		})
		t.Run("http "+c.user, func(t *testing.T) {
			p := startProxy(t, config)
			conn := p.dial(t)
			_, err := conn.Write(wire.AppendTunnel(nil, wire.Tunnel{Target: remote(l.Addr()), User: c.user, Password: c.password, Authorized: true}))
			require.NoError(t, err)
			word, _ := byHTTP.answer(t, conn)
			if c.right {
				assert.Equal(t, "200 Connection established", word)
				return
			}
			// RFC 7617 section 2 has no user name with a colon: what stands
			// before the first is the name, so this one is ann's.
			if c.user == "ann:secret" {
				c.user = "ann"
			}
			assert.Equal(t, "407 Proxy Authentication Required (wrong or no user name and password)", word)
			assert.Contains(t, p.event(t, "refused")["error"], "http: wrong user name or password of")
			_, err = io.Copy(io.Discard, conn)
			assert.NoError(t, err)
		})
	}
}

func TestNoCredentials(t *testing.T) {
	config := onLoopback(t)
	require.NoError(t, config.Users.Add("ann:secret"))
	l := listen(t, "127.0.0.1:0")
	p := startProxy(t, config)
	c := p.dial(t)
	_, err := c.Write(bySOCKS.request(remote(l.Addr())))
	require.NoError(t, err)
	nodetest.ReceiveEnd(t, c, "\x05\xff")
	assert.Equal(t, "socks5: offers no user name and password", p.event(t, "refused")["error"])

	p = startProxy(t, config)
	c = p.dial(t)
	_, err = c.Write(byHTTP.request(addr.Remote{Host: "server", Port: 80}))
	require.NoError(t, err)
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "HTTP/1.1 407 Proxy Authentication Required\r\n")
	assert.Contains(t, string(answer), "Proxy-Authenticate: Basic realm=\"crosslan\"")
	assert.Equal(t, "http: no user name and password", p.event(t, "refused")["error"])
}

func TestUsersRefuse(t *testing.T) {
	for text, want := range map[string]string{
		"ann":                            "line 1: want NAME:PASSWORD",
		"# all\n\nann:secret\nann:other": `line 4: user "ann" is there twice`,
		":secret":                        "line 1: a user name of 0 bytes",
		"ann:":                           "line 1: a password of 0 bytes",
		strings.Repeat("n", 256) + ":p":  "line 1: a user name of 256 bytes",
	} {
		var u Users
		err := u.Read(strings.NewReader(text))
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "secret")
	}
	var u Users
	require.NoError(t, u.Read(strings.NewReader("# all\r\nann:secret\r\n")))
	assert.True(t, u.right("ann", "secret"))
}
