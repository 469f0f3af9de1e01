// Package nstest gives tests network namespaces: hosts and routers with their own
// interfaces, addresses and routes, in one process and without an engine.
package nstest

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Namespace is a network namespace with its loopback interface up.
type Namespace struct {
	*netlink.Handle // sees this namespace

	ns netns.NsHandle
}

// New makes a namespace that is gone when the test ends. A test that may not make
// one, for want of root, fails in CI and is skipped elsewhere.
func New(tb testing.TB) *Namespace {
	tb.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			tb.Fatal("network namespaces need root, and CI must run as root")
		}
		tb.Skip("network namespaces need root: run as root to include this test")
	}
	n := &Namespace{ns: netns.None()}
	tb.Cleanup(func() { n.close() })
	if err := onThread(func() (err error) {
		n.ns, err = netns.New()
		return err
	}); err != nil {
		tb.Fatalf("new network namespace: %v", err)
	}
	h, err := netlink.NewHandleAt(n.ns)
	if err != nil {
		tb.Fatalf("netlink in the new namespace: %v", err)
	}
	n.Handle = h
	n.up(tb, "lo")
	return n
}

func (n *Namespace) close() {
	if n.Handle != nil {
		n.Handle.Close()
	}
	if n.ns.IsOpen() {
		n.ns.Close()
	}
}

// Do runs fn on a thread that is in the namespace. Sockets that fn opens stay in
// it; goroutines that fn starts are not.
func (n *Namespace) Do(fn func() error) error {
	return onThread(func() error {
		if err := netns.Set(n.ns); err != nil {
			return fmt.Errorf("enter the namespace: %w", err)
		}
		return fn()
	})
}

// Start starts a program in the namespace. It is killed, if it is still there, when
// the test ends.
func (n *Namespace) Start(tb testing.TB, cmd *exec.Cmd) {
	tb.Helper()
	tb.Cleanup(func() {
		if cmd.Process != nil && cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	// A child is in the namespace of the thread that forked it.
	if err := n.Do(cmd.Start); err != nil {
		tb.Fatalf("start %s: %v", cmd.Path, err)
	}
}

// Sysctl writes a setting below /proc/sys, such as "net/ipv4/ip_forward".
func (n *Namespace) Sysctl(tb testing.TB, name, value string) {
	tb.Helper()
	err := n.Do(func() error { return os.WriteFile("/proc/sys/"+name, []byte(value), 0) })
	if err != nil {
		tb.Fatalf("set sysctl: %v", err)
	}
}

// ReadSysctl reads a setting below /proc/sys.
func (n *Namespace) ReadSysctl(tb testing.TB, name string) string {
	tb.Helper()
	var value []byte
	err := n.Do(func() (err error) {
		value, err = os.ReadFile("/proc/sys/" + name)
		return err
	})
	if err != nil {
		tb.Fatalf("read sysctl: %v", err)
	}
	return strings.TrimSpace(string(value))
}

// Link joins two namespaces by a cable whose ends have the given names and
// addresses.
func Link(tb testing.TB, a *Namespace, aName, aAddr string, b *Namespace, bName, bAddr string) {
	tb.Helper()
	err := a.LinkAdd(&netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: aName},
		PeerName:      bName,
		PeerNamespace: netlink.NsFd(int(b.ns)),
	})
	if err != nil {
		tb.Fatalf("add veth %s-%s: %v", aName, bName, err)
	}
	a.addr(tb, aName, aAddr)
	b.addr(tb, bName, bAddr)
	a.up(tb, aName)
	b.up(tb, bName)
}

// Route adds a route by way of a gateway.
func (n *Namespace) Route(tb testing.TB, prefix, gateway string) {
	tb.Helper()
	dst, err := netlink.ParseIPNet(prefix)
	if err != nil {
		tb.Fatal(err)
	}
	gw := netip.MustParseAddr(gateway).AsSlice()
	if err := n.RouteAdd(&netlink.Route{Dst: dst, Gw: gw}); err != nil {
		tb.Fatalf("route %s via %s: %v", prefix, gateway, err)
	}
}

func (n *Namespace) addr(tb testing.TB, link, addr string) {
	tb.Helper()
	a, err := netlink.ParseAddr(addr)
	if err != nil {
		tb.Fatalf("address %s: %v", addr, err)
	}
	if a.IP.To4() == nil {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := n.AddrAdd(n.link(tb, link), a); err != nil {
		tb.Fatalf("address %s on %s: %v", addr, link, err)
	}
}

func (n *Namespace) up(tb testing.TB, link string) {
	tb.Helper()
	if err := n.LinkSetUp(n.link(tb, link)); err != nil {
		tb.Fatalf("%s up: %v", link, err)
	}
}

func (n *Namespace) link(tb testing.TB, name string) netlink.Link {
	tb.Helper()
	l, err := n.LinkByName(name)
	if err != nil {
		tb.Fatalf("interface %s: %v", name, err)
	}
	return l
}

// onThread runs fn on a thread of its own, which ends with it: a thread whose
// namespace was changed must not run anything else.
func onThread(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- fn()
	}()
	return <-done
}
