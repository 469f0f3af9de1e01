package socks

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/rules"
	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// testProxy is a proxy that runs until it is stopped or the test ends.
type testProxy struct {
	*Server
	log  *nodetest.Log
	stop func()
}

// onLoopback is a configuration whose targets may be on loopback, where tests have them.
func onLoopback(t testing.TB) Config {
	c := DefaultConfig()
	c.Listen = []netip.AddrPort{loopback}
	for _, s := range []string{"127.0.0.0/8", "::1"} {
		r, err := rules.Parse(true, s)
		require.NoError(t, err)
		c.Rules.Rules = append(c.Rules.Rules, r)
	}
	return c
}

func startProxy(t testing.TB, c Config) *testProxy {
	t.Helper()
	log := &nodetest.Log{}
	s, err := Listen(context.Background(), c, node.NewEvents(log, node.JSON))
	require.NoError(t, err)
	stop := nodetest.Serve(context.Background(), t, s.Serve)
	log.Wait(t, `"ready"`)
	return &testProxy{Server: s, log: log, stop: stop}
}

// event returns the first event of that name, when there is one.
func (p *testProxy) event(t testing.TB, name string) map[string]any {
	t.Helper()
	p.log.Wait(t, `"event":"`+name+`"`)
	for lines := bufio.NewScanner(strings.NewReader(p.log.String())); lines.Scan(); {
		var e map[string]any
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		if e["event"] == name {
			return e
		}
	}
	t.Fatalf("no event %s", name)
	return nil
}

func (p *testProxy) dial(t testing.TB) *net.TCPConn { return dialTCP(t, p.Addrs()[0].String()) }

func dialTCP(t testing.TB, address string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c.(*net.TCPConn)
}

// asker asks for a tunnel in one of the protocols, and returns a word for the answer
// and, by SOCKS5, the address that the relay has taken.
type asker struct {
	name string
	// request is all that a client sends, if it waits for nothing.
	request func(target addr.Remote) []byte
	answer  func(t testing.TB, c *net.TCPConn) (word string, bound addr.Remote)
}

var bySOCKS = asker{
	name: "socks5",
	request: func(target addr.Remote) []byte {
		b, err := wire.AppendRequest(wire.AppendGreeting(nil, wire.NoAuthentication), wire.Request{Command: wire.Connect, Address: target})
		if err != nil {
			panic(err)
		}
		return b
	},
	answer: func(t testing.TB, c *net.TCPConn) (string, addr.Remote) {
		m, err := wire.ReadMethod(c)
		require.NoError(t, err)
		require.Equal(t, wire.NoAuthentication, m)
		reply, bound, err := wire.ReadReply(c)
		require.NoError(t, err)
		return reply.String(), bound
	},
}

var byHTTP = asker{
	name:    "http",
	request: func(target addr.Remote) []byte { return wire.AppendTunnel(nil, wire.Tunnel{Target: target}) },
	answer: func(t testing.TB, c *net.TCPConn) (string, addr.Remote) {
		head, err := wire.ReadHead(c)
		require.NoError(t, err)
		reply, err := wire.ParseTunnelReply(head)
		require.NoError(t, err)
		return reply.String(), addr.Remote{}
	},
}

// eachProtocol runs the test with both.
func eachProtocol(t *testing.T, test func(t *testing.T, ask asker)) {
	for _, ask := range []asker{bySOCKS, byHTTP} {
		t.Run(ask.name, func(t *testing.T) { test(t, ask) })
	}
}

// open asks for a tunnel that must come about.
func (a asker) open(t testing.TB, c *net.TCPConn, target net.Addr) {
	t.Helper()
	_, err := c.Write(a.request(remote(target)))
	require.NoError(t, err)
	word, _ := a.answer(t, c)
	require.Contains(t, []string{"0 succeeded", "200 Connection established"}, word)
}

func remote(a net.Addr) addr.Remote {
	ap := addr.Of(a)
	return addr.Remote{Host: ap.Addr().String(), Port: ap.Port()}
}

// pair returns both ends of an established connection through a new proxy.
func pair(t *testing.T, ask asker, c Config) (p *testProxy, client, target *net.TCPConn) {
	t.Helper()
	l := listen(t, "127.0.0.1:0")
	p = startProxy(t, c)
	client = p.dial(t)
	ask.open(t, client, l.Addr())
	return p, client, nodetest.Accept(t, l)
}

func listen(t testing.TB, address string) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}
