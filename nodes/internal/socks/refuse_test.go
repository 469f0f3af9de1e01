package socks

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/relay"
)

// TestProxyToItself is the classic hole, on every path: a server that listens for its
// own host alone is not reached, whatever its address is called.
func TestProxyToItself(t *testing.T) {
	l := listen(t, "[::]:0") // every address of the host, of both families
	port := addr.Of(l.Addr()).Port()
	datagrams := listenUDP(t, "[::]:"+portOf(l))
	config := DefaultConfig()
	config.Listen = []netip.AddrPort{loopback}
	p := startProxy(t, config)
	u := associate(t, p)
	hosts := []string{
		"127.0.0.1", "127.1.2.3", "localhost", "0.0.0.0", "::1", "::",
		"::ffff:127.0.0.1", "::ffff:0.0.0.0", "::127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::",
	}
	for _, own := range ownAddresses(t) {
		hosts = append(hosts, own.String())
		if own.Is4() {
			hosts = append(hosts, "::ffff:"+own.String())
		}
	}
	for _, host := range hosts {
		target := addr.Remote{Host: host, Port: port}
		c := p.dial(t)
		_, err := c.Write(bySOCKS.request(target))
		require.NoError(t, err)
		word, _ := bySOCKS.answer(t, c)
		assert.Equal(t, "2 connection not allowed by ruleset", word, host)

		c = p.dial(t)
		_, err = c.Write(byHTTP.request(target))
		require.NoError(t, err)
		word, _ = byHTTP.answer(t, c)
		assert.Contains(t, word, "403 Forbidden (not allowed by the rules: ", host)

		u.say(t, target, "refused")
	}
	// Nothing came: what does come now is the first.
	mine := dialTCP(t, l.Addr().String())
	assert.Equal(t, mine.LocalAddr().String(), addr.Of(nodetest.Accept(t, l).RemoteAddr()).String())
	mineToo := dialUDP(t, "127.0.0.1:"+portOf(l))
	nodetest.Send(t, mineToo, "mine")
	got, _ := datagrams.receive(t)
	assert.Equal(t, "mine", got)
}

// ownAddresses returns this host's addresses, without those of the link alone.
func ownAddresses(t testing.TB) []netip.Addr {
	all, err := net.InterfaceAddrs()
	require.NoError(t, err)
	var own []netip.Addr
	for _, a := range all {
		if ip, ok := netip.AddrFromSlice(a.(*net.IPNet).IP); ok && !ip.IsLinkLocalUnicast() {
			own = append(own, ip.Unmap())
		}
	}
	return own
}

func TestRules(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	config := onLoopback(t)
	config.Rules.Rules = config.Rules.Rules[:1]
	denied := listen(t, "127.0.0.1:0")
	rule := config.Rules.Rules[0]
	rule.Allow, rule.Port = false, addr.Of(denied.Addr()).Port()
	config.Rules.Rules = append(config.Rules.Rules[:0:0], rule, config.Rules.Rules[0])
	eachProtocol(t, func(t *testing.T, ask asker) {
		p := startProxy(t, config)
		ask.open(t, p.dial(t), l.Addr())
		c := p.dial(t)
		_, err := c.Write(ask.request(remote(denied.Addr())))
		require.NoError(t, err)
		word, _ := ask.answer(t, c)
		assert.Contains(t, word, "not allowed by")
		assert.Contains(t, p.event(t, "refused")["error"], "deny 127.0.0.0/8:")
	})
}

func TestCommandRefuses(t *testing.T) {
	taken := listen(t, "127.0.0.1:0").Addr().String()
	empty := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(empty, []byte("# nobody\n"), 0o600))
	for args, want := range map[string]struct {
		status int
		line   string
	}{
		"socks x":                          {2, `relay: "x" is not an address; write 10.1.1.10:4000, :4000, or [2001:db8::1]:4000 (see: relay socks --help)`},
		"socks --user ann":                 {2, "relay: --user: want NAME:PASSWORD (see: relay socks --help)"},
		"socks --user ann:a --user ann:b":  {2, `relay: --user: user "ann" is there twice (see: relay socks --help)`},
		"socks --users /nowhere":           {2, "relay: --users: open /nowhere: no such file or directory (see: relay socks --help)"},
		"socks --users " + empty:           {2, "relay: --users " + empty + ": has no user, and would let everybody in (see: relay socks --help)"},
		"socks --allow x":                  {2, `relay: invalid argument "x" for "--allow" flag: "x": want CIDR or CIDR:PORT, such as 198.18.0.0/15, 198.18.22.10:80 or [2001:db8::/32]:443 (see: relay socks --help)`},
		"socks --handshake 0s":             {2, "relay: --handshake 0s: want a duration above 0 (see: relay socks --help)"},
		"socks --connect -1s":              {2, "relay: --connect -1s: want a duration above 0 (see: relay socks --help)"},
		"socks --lifetime 0s":              {2, "relay: --lifetime 0s: want a duration above 0 (see: relay socks --help)"},
		"socks --idle -1s":                 {2, "relay: --idle -1s: want a duration, or 0 for no limit (see: relay socks --help)"},
		"socks --max-connections 0":        {2, "relay: --max-connections 0: want at least 1 (see: relay socks --help)"},
		"socks --max-per-source 0":         {2, "relay: --max-per-source 0: want at least 1 (see: relay socks --help)"},
		"socks --max-associations 0":       {2, "relay: --max-associations 0: want at least 1 (see: relay socks --help)"},
		"socks :1 :1":                      {2, "relay: 0.0.0.0:1 is to be listened on twice (see: relay socks --help)"},
		"socks " + taken:                   {1, "relay: bind: EADDRINUSE (98) address already in use: tcp " + taken},
		"socks 127.0.0.1:0 192.0.2.1:1080": {1, "relay: bind: EADDRNOTAVAIL (99) cannot assign requested address: tcp 192.0.2.1:1080"},
	} {
		var stdout, stderr bytes.Buffer
		status := node.Run(context.Background(), relay.Command(Command()), strings.Fields(args), &stdout, &stderr)
		assert.Equal(t, want.status, status, args)
		assert.Equal(t, want.line+"\n", stderr.String(), args)
		assert.Empty(t, stdout.String(), args)
	}
}

func TestCommandServes(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(users, []byte("ann:secret\nbob:other\n"), 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	out, stdout := io.Pipe()
	status := make(chan int, 1)
	go func() {
		status <- node.Run(ctx, relay.Command(Command()), []string{"socks", "127.0.0.1:0", "--users", users}, stdout, io.Discard)
		stdout.Close()
	}()
	ready := make([]byte, 200)
	n, err := out.Read(ready)
	require.NoError(t, err)
	assert.Regexp(t, `^ready      relay socks5 and http CONNECT on 127\.0\.0\.1:\d+ for 2 users\n$`, string(ready[:n]))
	cancel()
	_, _ = io.Copy(io.Discard, out)
	assert.Zero(t, <-status)
}
