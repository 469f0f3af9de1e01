package nat

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// lab is two inside hosts on one LAN, a NAT, and an outside with two addresses.
type lab struct {
	inside  [2]*nstest.Namespace // 10.5.1.10 and .11
	router  *nstest.Namespace    // 10.5.1.1 on lan; 198.18.5.2 and .3 on wan
	outside *nstest.Namespace    // 198.18.5.10 and .11

	*Kernel // the router's
}

var (
	insideAddr  = [2]netip.Addr{netip.MustParseAddr("10.5.1.10"), netip.MustParseAddr("10.5.1.11")}
	wan         = netip.MustParseAddr("198.18.5.2")
	outsideAddr = [2]netip.Addr{netip.MustParseAddr("198.18.5.10"), netip.MustParseAddr("198.18.5.11")}
)

func newLab(tb testing.TB) *lab {
	tb.Helper()
	l := &lab{router: nstest.New(tb), outside: nstest.New(tb)}
	sw := nstest.New(tb)
	require.NoError(tb, sw.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br"}}))
	require.NoError(tb, sw.LinkSetUp(linkOf(tb, sw, "br")))
	plug := func(n *nstest.Namespace, name, addr string, port int) {
		p := fmt.Sprintf("p%d", port)
		nstest.Link(tb, sw, p, fmt.Sprintf("192.0.2.%d/32", port), n, name, addr)
		require.NoError(tb, sw.LinkSetMaster(linkOf(tb, sw, p), linkOf(tb, sw, "br")))
	}
	plug(l.router, "lan", "10.5.1.1/24", 1)
	for i := range l.inside {
		l.inside[i] = nstest.New(tb)
		plug(l.inside[i], "eth0", insideAddr[i].String()+"/24", 10+i)
		l.inside[i].Route(tb, "0.0.0.0/0", "10.5.1.1")
	}
	nstest.Link(tb, l.router, "wan", "198.18.5.2/24", l.outside, "eth0", "198.18.5.10/24")
	addAddr(tb, l.router, "wan", "198.18.5.3/24")
	addAddr(tb, l.outside, "eth0", "198.18.5.11/24")
	l.router.Sysctl(tb, "net/ipv4/ip_forward", "1")
	l.Kernel = openIn(tb, l.router)
	return l
}

func openIn(tb testing.TB, n *nstest.Namespace) *Kernel {
	tb.Helper()
	var k *Kernel
	require.NoError(tb, n.Do(func() (err error) {
		k, err = Open()
		return err
	}))
	tb.Cleanup(func() { _ = k.Close() })
	return k
}

func linkOf(tb testing.TB, n *nstest.Namespace, name string) netlink.Link {
	tb.Helper()
	link, err := n.LinkByName(name)
	require.NoError(tb, err)
	return link
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

// config is the Default for the lab's two sides.
func config() Config {
	c := Default()
	c.Inside = []netip.Prefix{netip.MustParsePrefix("10.5.1.0/24")}
	c.Outside = netip.MustParsePrefix("198.18.5.0/24")
	return c
}

func (l *lab) apply(tb testing.TB, c Config) {
	tb.Helper()
	_, err := l.Apply(c)
	require.NoError(tb, err)
}
