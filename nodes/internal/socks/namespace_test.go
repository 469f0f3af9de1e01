package socks

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// roleVariable tells this test binary, started again by a test, to be a proxy.
const roleVariable = "CROSSLAN_SOCKS_TEST_LISTEN"

func TestMain(m *testing.M) {
	listen := os.Getenv(roleVariable)
	if listen == "" {
		os.Exit(m.Run())
	}
	if err := proxyRole(netip.MustParseAddrPort(listen)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// proxyRole is a proxy that ends when its standard input does.
func proxyRole(listen netip.AddrPort) error {
	c := DefaultConfig()
	c.Listen = []netip.AddrPort{listen}
	c.Connect = 500 * time.Millisecond
	s, err := Listen(context.Background(), c, node.NewEvents(os.Stdout, node.Text))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return s.Serve(ctx)
}

// TestErrnoBecomesReply makes the kernel give the proxy each errno, in a network of its
// own, and sees what the client is told.
func TestErrnoBecomesReply(t *testing.T) {
	lan, relay, internet := nstest.New(t), nstest.New(t), nstest.New(t)
	nstest.Link(t, lan, "eth0", "10.22.1.10/24", relay, "lan", "10.22.1.20/24")
	nstest.Link(t, relay, "wan", "198.18.22.20/24", internet, "eth0", "198.18.22.10/24")
	for prefix, kind := range map[string]int{
		"203.0.113.0/25":   unix.RTN_UNREACHABLE,
		"203.0.113.128/25": unix.RTN_PROHIBIT,
	} {
		dst, err := netlink.ParseIPNet(prefix)
		require.NoError(t, err)
		require.NoError(t, relay.RouteAdd(&netlink.Route{Dst: dst, Type: kind}))
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=10.22.1.20:1080")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	relay.Start(t, cmd)
	_, err = out.Read(make([]byte, 200)) // ready
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, out) }()
	defer func() { in.Close(); assert.NoError(t, cmd.Wait()) }()

	ask := func(t *testing.T, a asker, target string) string {
		to := netip.MustParseAddrPort(target)
		var c *net.TCPConn
		require.NoError(t, lan.Do(func() error {
			conn, err := net.Dial("tcp", "10.22.1.20:1080")
			if err == nil {
				c = conn.(*net.TCPConn)
			}
			return err
		}))
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		_, err = c.Write(a.request(addr.RemoteAt(to)))
		require.NoError(t, err)
		word, _ := a.answer(t, c)
		return word
	}
	for target, want := range map[string][2]string{
		"198.18.22.10:9":     {"5 connection refused", "502 Bad Gateway (connect: ECONNREFUSED (111) connection refused: 198.18.22.10:9)"},
		"203.0.113.1:9":      {"4 host unreachable", "502 Bad Gateway (connect: EHOSTUNREACH (113) no route to host: 203.0.113.1:9)"},
		"203.0.113.129:9":    {"2 connection not allowed by ruleset", "403 Forbidden (connect: EACCES (13) permission denied: 203.0.113.129:9)"},
		"192.0.2.1:9":        {"3 network unreachable", "502 Bad Gateway (connect: ENETUNREACH (101) network is unreachable: 192.0.2.1:9)"},
		"198.18.22.99:9":     {"6 TTL expired", "504 Gateway Timeout (connect: no answer within 500ms (--connect): 198.18.22.99:9)"},
		"[2001:db8::1]:9":    {"3 network unreachable", "502 Bad Gateway (connect: ENETUNREACH (101) network is unreachable: [2001:db8::1]:9)"},
		"198.18.22.20:9":     {"2 connection not allowed by ruleset", "403 Forbidden (not allowed by the rules: 198.18.22.20:9: the relay's own address)"},
		"10.22.1.20:1080":    {"2 connection not allowed by ruleset", "403 Forbidden (not allowed by the rules: 10.22.1.20:1080: the relay's own address)"},
		"198.18.22.255:9":    {"2 connection not allowed by ruleset", "403 Forbidden (not allowed by the rules: 198.18.22.255:9: the relay's own address)"},
		"127.0.0.1:9":        {"2 connection not allowed by ruleset", "403 Forbidden (not allowed by the rules: 127.0.0.1:9: loopback)"},
		"169.254.169.254:80": {"2 connection not allowed by ruleset", "403 Forbidden (not allowed by the rules: 169.254.169.254:80: link-local)"},
	} {
		assert.Equal(t, want[0], ask(t, bySOCKS, target), target)
		assert.Equal(t, want[1], ask(t, byHTTP, target), target)
	}
}
