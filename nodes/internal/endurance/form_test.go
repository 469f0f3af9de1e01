package endurance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/proxy"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// form is a form of relay between a client and a target, both of this process.
type form struct {
	name  string
	start func(t testing.TB, f *field, l limits) *rig
}

// limits are those of a relay.
type limits struct {
	idle        time.Duration
	connections int // 0 for the relay's own
}

// flags are the flags that every form has.
func (l limits) flags() []string {
	flags := []string{"--idle", l.idle.String()}
	if l.connections > 0 {
		flags = append(flags, "--max-connections", strconv.Itoa(l.connections))
	}
	return flags
}

// rig is a running relay, and how its clients connect.
type rig struct {
	processes []*process
	// dial connects a client, by way of the relay, to one of the targets.
	dial func(ctx context.Context) (*net.TCPConn, error)
	// half connects a client that stops in the middle of asking; nil if a client
	// need not ask.
	half func(ctx context.Context) (*net.TCPConn, error)
	// refused connects a client to a target that refuses; nil if there can be none.
	refused func(ctx context.Context) error
}

// field is the targets, and the addresses that clients have.
type field struct {
	targets []netip.AddrPort
	nobody  netip.AddrPort // where nobody listens
	serve   func(*net.TCPConn)
	next    atomic.Uint32
}

// targetCount is how many addresses the targets have. A relay has 28,000 ports for
// connections to each, and a port may rest for a minute in TIME_WAIT.
const targetCount = 8

// newField listens at the targets until the test ends. Each connection is served once
// by serve.
func newField(t testing.TB, serve func(*net.TCPConn)) *field {
	t.Helper()
	listeners, err := listenTargets(serve)
	require.NoError(t, err)
	f := &field{serve: serve, nobody: freeAddress(t, "127.23.0.99")}
	for _, l := range listeners {
		t.Cleanup(func() { l.Close() })
		f.targets = append(f.targets, addr.Of(l.Addr()))
	}
	return f
}

func listenTargets(serve func(*net.TCPConn)) ([]net.Listener, error) {
	var listeners []net.Listener
	for i := range targetCount {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.23.0.%d:0", i+1))
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, l)
		go func() {
			for {
				c, err := l.(*net.TCPListener).AcceptTCP()
				if err != nil {
					return
				}
				go serve(c)
			}
		}()
	}
	return listeners, nil
}

// freeAddress is an address with a port that nobody has.
func freeAddress(t testing.TB, ip string) netip.AddrPort {
	t.Helper()
	return netip.AddrPortFrom(netip.MustParseAddr(ip), nodetest.FreePort(t))
}

// turn is a number that is another each time.
func (f *field) turn() int { return int(f.next.Add(1)) }

func (f *field) target() netip.AddrPort { return f.targets[f.turn()%len(f.targets)] }

// connect connects from one of many source addresses, for a client too has but 28,000
// ports at each.
func (f *field) connect(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
	n := f.turn() % 250
	d := net.Dialer{KeepAlive: -1, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 22, byte(n/25), byte(1+n%25))}}
	c, err := d.DialContext(ctx, "tcp4", to.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

var forms = []form{{"tcp", startTCP}, {"socks", startSOCKS}, {"rendezvous", startRendezvous}, {"tunnel", startTunnel}}

// eachForm runs the test with each form of relay, one after the other.
func eachForm(t *testing.T, test func(t *testing.T, f form)) {
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) { test(t, f) })
	}
}

func startTCP(t testing.TB, f *field, l limits) *rig {
	args := append([]string{"tcp"}, l.flags()...)
	var listens []netip.AddrPort
	for _, target := range append(f.targets[:len(f.targets):len(f.targets)], f.nobody) {
		listen := freeAddress(t, "127.0.0.1")
		listens = append(listens, listen)
		args = append(args, listen.String()+"="+target.String())
	}
	toNobody := listens[len(f.targets)]
	return &rig{
		processes: []*process{start(t, nil, unusual, "relay", args...)},
		dial: func(ctx context.Context) (*net.TCPConn, error) {
			return f.connect(ctx, listens[f.turn()%len(f.targets)])
		},
		refused: func(ctx context.Context) error {
			// The RST may come before connect returns, and after it.
			c, err := f.connect(ctx, toNobody)
			if err != nil {
				return wantReset(err)
			}
			defer c.Close()
			_, err = c.Read(make([]byte, 1))
			return wantReset(err)
		},
	}
}

func startSOCKS(t testing.TB, f *field, l limits) *rig {
	listen := freeAddress(t, "127.0.0.1")
	args := []string{"socks", listen.String(), "--allow", "127.23.0.0/24", "--user", "ann:secret", "--handshake", patience.String()}
	p := start(t, nil, nil, "relay", append(args, l.flags()...)...)
	by := []*proxy.Proxy{
		{Scheme: proxy.SOCKS5, Server: addr.RemoteAt(listen), User: "ann", Password: "secret"},
		{Scheme: proxy.HTTP, Server: addr.RemoteAt(listen), User: "ann", Password: "secret"},
	}
	open := func(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
		c, err := f.connect(ctx, listen)
		if err != nil {
			return nil, err
		}
		if limit, ok := ctx.Deadline(); ok {
			_ = c.SetDeadline(limit)
		}
		if _, err := by[f.turn()%len(by)].Open(c, addr.RemoteAt(to)); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
	return &rig{
		processes: []*process{p},
		dial:      func(ctx context.Context) (*net.TCPConn, error) { return open(ctx, f.target()) },
		half: func(ctx context.Context) (*net.TCPConn, error) {
			c, err := f.connect(ctx, listen)
			if err == nil {
				begun := []string{"", "\x05", "\x05\x01\x02", "CONNECT server:80 HTTP/1.1\r\n"}
				_, err = c.Write([]byte(begun[f.turn()%len(begun)]))
			}
			return c, err
		},
		refused: func(ctx context.Context) error {
			c, err := open(ctx, f.nobody)
			if err == nil {
				c.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "onnection refused") {
				return fmt.Errorf("a target that refuses: %v", err)
			}
			return nil
		},
	}
}

func startRendezvous(t testing.TB, f *field, l limits) *rig {
	listen := freeAddress(t, "127.0.0.1")
	p := start(t, nil, nil, "relay", "rendezvous", listen.String(), "--idle", l.idle.String())
	join := func(ctx context.Context, secret string) (*net.TCPConn, error) {
		token, err := rendezvous.NewToken(secret, rendezvous.RelayTCP)
		if err != nil {
			return nil, err
		}
		g, err := rendezvous.NewGuest(token, nil, nil)
		if err != nil {
			return nil, err
		}
		c, err := f.connect(ctx, listen)
		if err != nil {
			return nil, err
		}
		if err := rendezvous.JoinStream(ctx, c, g); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
	return &rig{
		processes: []*process{p},
		dial: func(ctx context.Context) (*net.TCPConn, error) {
			secret := randomSecret()
			go func() {
				if c, err := join(ctx, secret); err == nil {
					f.serve(c)
				}
			}()
			return join(ctx, secret)
		},
	}
}

func randomSecret() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func startTunnel(t testing.TB, f *field, l limits) *rig {
	listen := freeAddress(t, "127.0.0.1")
	secret := randomSecret()
	relay := start(t, nil, nil, "relay", append([]string{"tunnel", listen.String(), "--token", secret}, l.flags()...)...)
	args := []string{"tunnel", listen.String(), "--token", secret}
	if l.connections > 0 {
		args = append(args, "--max-connections", strconv.Itoa(l.connections))
	}
	var public []netip.AddrPort
	for _, target := range append(f.targets[:len(f.targets):len(f.targets)], f.nobody) {
		at := freeAddress(t, "127.0.0.1")
		public = append(public, at)
		args = append(args, fmt.Sprintf("tcp:%d=%v", at.Port(), target))
	}
	client := start(t, nil, nil, "client", args...)
	toNobody := public[len(f.targets)]
	return &rig{
		processes: []*process{relay, client},
		dial: func(ctx context.Context) (*net.TCPConn, error) {
			return f.connect(ctx, public[f.turn()%len(f.targets)])
		},
		refused: func(ctx context.Context) error {
			c, err := f.connect(ctx, toNobody)
			if err != nil {
				return wantReset(err)
			}
			defer c.Close()
			_, err = c.Read(make([]byte, 1))
			return wantReset(err)
		},
	}
}

// openProxy is a proxy that everybody may use.
func openProxy(at netip.AddrPort) *proxy.Proxy {
	return &proxy.Proxy{Scheme: proxy.SOCKS5, Server: addr.RemoteAt(at)}
}
