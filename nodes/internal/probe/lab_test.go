package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// lab is two inside hosts, a router, and a STUN server with two addresses, of which the
// second is reached through the first, as in a container on two networks.
type lab struct {
	inside [2]*nstest.Namespace // 10.7.1.10 and .11
	router *nstest.Namespace    // 10.7.1.1 on lan, 198.18.7.2 on wan
	server *nstest.Namespace    // 198.18.7.10, and 198.19.7.10 on its loopback interface

	log nodetest.Log // the server's
}

const (
	primary   = "198.18.7.10:3478"
	alternate = "198.19.7.10:3479"
	wan       = "198.18.7.2"

	primary6   = "[2001:db8:7:ff::10]:3478"
	alternate6 = "[2001:db8:7:fe::10]:3479"
)

func newLab(tb testing.TB) *lab {
	tb.Helper()
	l := &lab{router: nstest.New(tb), server: nstest.New(tb)}
	sw := nstest.New(tb)
	require.NoError(tb, sw.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br"}}))
	require.NoError(tb, sw.LinkSetUp(linkOf(tb, sw, "br")))
	plug := func(n *nstest.Namespace, name, addr string, port int) {
		p := fmt.Sprintf("p%d", port)
		nstest.Link(tb, sw, p, fmt.Sprintf("192.0.2.%d/32", port), n, name, addr)
		require.NoError(tb, sw.LinkSetMaster(linkOf(tb, sw, p), linkOf(tb, sw, "br")))
	}
	plug(l.router, "lan", "10.7.1.1/24", 1)
	addAddr(tb, l.router, "lan", "2001:db8:7:1::1/64")
	for i := range l.inside {
		l.inside[i] = nstest.New(tb)
		plug(l.inside[i], "eth0", fmt.Sprintf("10.7.1.%d/24", 10+i), 10+i)
		addAddr(tb, l.inside[i], "eth0", fmt.Sprintf("2001:db8:7:1::%d/64", 10+i))
		l.inside[i].Route(tb, "0.0.0.0/0", "10.7.1.1")
		l.inside[i].Route(tb, "::/0", "2001:db8:7:1::1")
		// The kernel chooses ports at random: two hosts must not come to the same.
		l.inside[i].Sysctl(tb, "net/ipv4/ip_local_port_range", fmt.Sprintf("%d %d", 20000+10000*i, 29999+10000*i))
	}
	nstest.Link(tb, l.router, "wan", wan+"/24", l.server, "eth0", "198.18.7.10/24")
	addAddr(tb, l.router, "wan", "2001:db8:7:ff::2/64")
	addAddr(tb, l.server, "eth0", "2001:db8:7:ff::10/64")
	addAddr(tb, l.server, "lo", "198.19.7.10/24")
	addAddr(tb, l.server, "lo", "2001:db8:7:fe::10/64")
	l.router.Route(tb, "198.19.7.0/24", "198.18.7.10")
	l.router.Route(tb, "2001:db8:7:fe::/64", "2001:db8:7:ff::10")
	l.router.Sysctl(tb, "net/ipv4/ip_forward", "1")
	l.router.Sysctl(tb, "net/ipv6/conf/all/forwarding", "1")
	return l
}

func addAddr(tb testing.TB, n *nstest.Namespace, link, addr string) {
	tb.Helper()
	a, err := netlink.ParseAddr(addr)
	require.NoError(tb, err)
	if a.IP.To4() == nil {
		a.Flags = unix.IFA_F_NODAD
	}
	require.NoError(tb, n.AddrAdd(linkOf(tb, n, link), a))
}

func linkOf(tb testing.TB, n *nstest.Namespace, name string) netlink.Link {
	tb.Helper()
	link, err := n.LinkByName(name)
	require.NoError(tb, err)
	return link
}

// route lets the server be reached: without a NAT, it must know the way back.
func (l *lab) route(tb testing.TB) {
	tb.Helper()
	l.server.Route(tb, "10.7.1.0/24", wan)
	l.server.Route(tb, "2001:db8:7:1::/64", "2001:db8:7:ff::2")
}

// kernel is the router's NAT.
func (l *lab) kernel(tb testing.TB) *nat.Kernel {
	tb.Helper()
	var k *nat.Kernel
	require.NoError(tb, l.router.Do(func() (err error) {
		k, err = nat.Open()
		return err
	}))
	tb.Cleanup(func() { _ = k.Close() })
	return k
}

// newNATLab is a lab with a NAT and a server.
func newNATLab(tb testing.TB) (*lab, *nat.Kernel) {
	tb.Helper()
	l := newLab(tb)
	k := l.kernel(tb)
	l.serve(tb, primary, alternate)
	return l, k
}

func apply(tb testing.TB, k *nat.Kernel, c nat.Config) {
	tb.Helper()
	_, err := k.Apply(c)
	require.NoError(tb, err)
}

// config is the default NAT between the lab's two sides.
func config() nat.Config {
	c := nat.Default()
	c.Inside = []netip.Prefix{netip.MustParsePrefix("10.7.1.0/24")}
	c.Outside = netip.MustParsePrefix("198.18.7.0/24")
	return c
}

// program is a command line of client or server.
func program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), programEnv+"="+name)
	return cmd
}

// serve starts the STUN server.
func (l *lab) serve(tb testing.TB, primary, alternate string) {
	tb.Helper()
	cmd := program("server", "stun", "--primary", primary, "--alternate", alternate)
	cmd.Stdout, cmd.Stderr = &l.log, &l.log
	l.server.Start(tb, cmd)
	l.log.Wait(tb, "ready")
}

// client is a client that runs.
type client struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

// start starts probe nat on a host.
func (l *lab) start(tb testing.TB, host int, args ...string) *client {
	tb.Helper()
	c := &client{Cmd: program("client", append([]string{"probe", "nat"}, args...)...)}
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	l.inside[host].Start(tb, c.Cmd)
	return c
}

// text waits for what the client prints.
func (c *client) text(tb testing.TB) string {
	tb.Helper()
	require.NoError(tb, c.Wait(), c.stderr.String())
	return c.stdout.String()
}

// result waits for the result of a client with --json.
func (c *client) result(tb testing.TB) Result {
	tb.Helper()
	var r Result
	require.NoError(tb, json.Unmarshal([]byte(c.text(tb)), &r))
	return r
}
