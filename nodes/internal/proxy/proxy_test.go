package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/rules"
	"github.com/crosslan/crosslan/nodes/internal/socks"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

func TestParse(t *testing.T) {
	at := addr.Remote{Host: "10.22.1.20", Port: 1080}
	for s, want := range map[string]Proxy{
		"socks5://10.22.1.20:1080":              {Scheme: SOCKS5, Server: at},
		"socks5h://10.22.1.20:1080/":            {Scheme: SOCKS5, Server: at},
		"http://10.22.1.20:1080":                {Scheme: HTTP, Server: at},
		"http://ann:secret@10.22.1.20:1080":     {Scheme: HTTP, Server: at, User: "ann", Password: "secret"},
		"socks5://ann:a%3Ab%40@10.22.1.20:1080": {Scheme: SOCKS5, Server: at, User: "ann", Password: "a:b@"},
		"socks5://[2001:db8::1]:1080":           {Scheme: SOCKS5, Server: addr.Remote{Host: "2001:db8::1", Port: 1080}},
		"socks5://proxy:1080":                   {Scheme: SOCKS5, Server: addr.Remote{Host: "proxy", Port: 1080}},
	} {
		got, err := Parse(s)
		require.NoError(t, err, s)
		assert.Equal(t, want, *got, s)
		assert.NotContains(t, got.String(), "secret")
	}
	for s, want := range map[string]string{
		"10.22.1.20:1080":                  "is not a URL",
		"socks4://10.22.1.20:1080":         "no such kind of proxy",
		"https://ann:secret@10.22.1.20:1":  "no such kind of proxy",
		"socks5://10.22.1.20":              "has no port; write 10.22.1.20:1080",
		"socks5://10.22.1.20:99999":        `port "99999" is not a number`,
		"socks5://:1080":                   "has no host",
		"http://10.22.1.20:1080/path":      "a proxy's address ends with its port",
		"http://10.22.1.20:1080?x":         "a proxy's address ends with its port",
		"socks5://ann@10.22.1.20:1080":     "a password of 0 bytes",
		"socks5://:secret@10.22.1.20:1080": "a user name of 0 bytes",
		"socks5://ann:secret@[::1:1080":    "is not a URL",
	} {
		_, err := Parse(s)
		assert.ErrorContains(t, err, want, s)
		assert.NotContains(t, err.Error(), "secret", s)
	}
}

// FuzzParse reads proxies. What can be read has a server to connect to.
func FuzzParse(f *testing.F) {
	f.Add("socks5://ann:secret@10.22.1.20:1080")
	f.Add("http://[::1]:8080/")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err == nil && (p.Server.Host == "" || p.Server.Port == 0 || (p.User == "") != (p.Password == "")) {
			t.Errorf("%q: %+v", s, p)
		}
	})
}

// startProxy runs our own proxy, for users if there are any.
func startProxy(t *testing.T, users ...string) addr.Remote {
	t.Helper()
	c := socks.DefaultConfig()
	c.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}
	r, err := rules.Parse(true, "127.0.0.0/8")
	require.NoError(t, err)
	c.Rules.Rules = []rules.Rule{r}
	for _, u := range users {
		require.NoError(t, c.Users.Add(u))
	}
	s, err := socks.Listen(t.Context(), c, node.NewEvents(io.Discard, node.Text))
	require.NoError(t, err)
	nodetest.Serve(context.Background(), t, s.Serve)
	return addr.RemoteAt(s.Addrs()[0])
}

// target is a server that greets with the address that it observes, and then returns
// what comes. Nothing else is served at its address.
func target(t *testing.T) addr.Remote {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.WriteString(c, c.RemoteAddr().String()+"\n")
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return addr.RemoteAt(addr.Of(l.Addr()))
}

// open connects by way of p, and returns what Open has.
func open(t *testing.T, p *Proxy, to addr.Remote) (*net.TCPConn, netip.AddrPort, error) {
	t.Helper()
	c, err := p.Connect(t.Context(), dial.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	bound, err := p.Open(c, to)
	return c, bound, err
}

// converse talks with target through c and returns the address that it observes.
func converse(t *testing.T, c *net.TCPConn) netip.AddrPort {
	t.Helper()
	_, err := io.WriteString(c, "hello\n")
	require.NoError(t, err)
	r := bufio.NewReader(c)
	greeting, err := r.ReadString('\n')
	require.NoError(t, err)
	echoed, err := r.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "hello\n", echoed)
	return netip.MustParseAddrPort(strings.TrimSpace(greeting))
}

func TestOpen(t *testing.T) {
	to := target(t)
	for _, scheme := range []Scheme{SOCKS5, HTTP} {
		for name, c := range map[string]struct {
			user, password string
			users          []string
			to             addr.Remote
			want           string // of the error; empty for none
		}{
			"address":                       {to: to},
			"name":                          {to: addr.Remote{Host: "localhost", Port: to.Port}},
			"password":                      {user: "ann", password: "secret", users: []string{"ann:secret"}, to: to},
			"password that nobody asks for": {user: "ann", password: "secret", to: to},
			"wrong password":                {user: "ann", password: "wrong", users: []string{"ann:secret"}, to: to, want: "the proxy refuses the user name or password"},
			"no password":                   {users: []string{"ann:secret"}, to: to, want: "the proxy wants a user name and password"},
			"refused":                       {to: addr.Remote{Host: "127.0.0.1", Port: 1}, want: "onnection refused"},
			"unknown name":                  {to: addr.Remote{Host: "nobody.invalid", Port: 1}, want: ": nobody.invalid:1 by way of "},
			"not allowed":                   {to: addr.Remote{Host: "0.0.0.0", Port: to.Port}, want: "allowed by"},
		} {
			t.Run(string(scheme)+" "+name, func(t *testing.T) {
				p := &Proxy{Scheme: scheme, Server: startProxy(t, c.users...), User: c.user, Password: c.password}
				conn, bound, err := open(t, p, c.to)
				if c.want != "" {
					require.ErrorContains(t, err, c.want)
					assert.True(t, strings.HasPrefix(err.Error(), string(scheme)+": "), err)
					return
				}
				require.NoError(t, err)
				seen := converse(t, conn)
				if scheme == SOCKS5 {
					assert.Equal(t, seen, bound)
				}
			})
		}
	}
}

// TestServersThatAreNoProxy: each ends as an error that says what it was.
func TestServersThatAreNoProxy(t *testing.T) {
	for said, want := range map[string][2]string{
		"":                             {"the proxy hung up", "the proxy hung up"},
		"SSH-2.0-OpenSSH_9.2\r\n\r\n":  {"version 83 in place of 5", "no HTTP response"},
		"\x05":                         {"the proxy hung up", "the proxy hung up"},
		"\x05\x07":                     {"the proxy wants a user name and password", "the proxy hung up"},
		"\x05\x00\x05\x00\x00\x01\x7f": {"the proxy hung up", "the proxy hung up"},
		"\x05\x00\x05\x00\x00\x09":     {"an address of no known type: 9", "the proxy hung up"},
		"\x05\x00\x05\x63\x00\x01\x00\x00\x00\x00\x00\x00": {"reply 99 (unassigned)", "the proxy hung up"},
		"HTTP/1.1 302 Found\r\nLocation: x\r\n\r\n":        {"version 72 in place of 5", "302 Found"},
	} {
		for i, scheme := range []Scheme{SOCKS5, HTTP} {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				_, _ = io.WriteString(c, said)
				_ = c.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, c)
			}()
			p := &Proxy{Scheme: scheme, Server: addr.RemoteAt(addr.Of(l.Addr()))}
			_, _, err = open(t, p, addr.Remote{Host: "server", Port: 80})
			assert.ErrorContains(t, err, want[i], "%s %q", scheme, said)
			l.Close()
		}
	}
}

func TestSilentProxy(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	p := &Proxy{Scheme: SOCKS5, Server: addr.RemoteAt(addr.Of(l.Addr()))}
	c, err := p.Connect(t.Context(), dial.Options{})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = p.Open(c, addr.Remote{Host: "server", Port: 80})
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.ErrorContains(t, err, "the proxy did not answer")
}

func TestDatagrams(t *testing.T) {
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer server.Close()
	to := addr.RemoteAt(addr.Of(server.LocalAddr()))
	p := &Proxy{Scheme: SOCKS5, Server: startProxy(t, "ann:secret"), User: "ann", Password: "secret"}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		c, err := p.Connect(t.Context(), dial.Options{})
		require.NoError(t, err)
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		d, err := p.Associate(t.Context(), c, addr.Remote{Host: host, Port: to.Port}, dial.Options{})
		require.NoError(t, err)
		defer d.Close()
		require.NoError(t, d.SetDeadline(time.Now().Add(patience)))
		for _, size := range []int{0, 1, 1472, MaxPayload} {
			if host == "localhost" && size == MaxPayload {
				size -= len(host) - 3 // the header has the name in place of 4 bytes, and its length
			}
			sent := make([]byte, size)
			_, err = d.Write(sent)
			require.NoError(t, err, size)
			buf := make([]byte, 1<<16)
			require.NoError(t, server.SetDeadline(time.Now().Add(patience)))
			n, from, err := server.ReadFrom(buf)
			require.NoError(t, err)
			require.Equal(t, size, n)
			_, err = server.WriteTo(buf[:min(n, MaxPayload)], from)
			require.NoError(t, err)
			n, info, err := d.Receive(buf)
			require.NoError(t, err)
			assert.Equal(t, size, n)
			assert.Equal(t, to.String(), info.From.String())
		}
		_, err = d.Write(make([]byte, MaxPayload+1))
		assert.ErrorIs(t, err, unix.EMSGSIZE)
	}
	h := &Proxy{Scheme: HTTP, Server: p.Server}
	c, err := h.Connect(t.Context(), dial.Options{})
	require.NoError(t, err)
	defer c.Close()
	_, err = h.Associate(t.Context(), c, to, dial.Options{})
	assert.ErrorContains(t, err, "http: carries no datagrams")
}

// TestMicrosocks is our client with another's server. microsocks is a Debian package;
// it serves SOCKS5's CONNECT, with and without a password, names no address that it has
// taken, and ends both directions when one ends.
func TestMicrosocks(t *testing.T) {
	microsocks := nodetest.Foreign(t, "microsocks", "microsocks")
	to := target(t)
	for name, c := range map[string]struct{ user, password, want string }{
		"no password":    {"", "", ""},
		"password":       {"ann", "secret", ""},
		"wrong password": {"ann", "wrong", "the proxy refuses the user name or password"},
		"refused":        {"", "", "reply 5 connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			port := nodetest.FreePort(t)
			args := []string{"-i", "127.0.0.1", "-p", strconv.Itoa(int(port))}
			if c.user != "" {
				args = append(args, "-u", "ann", "-P", "secret")
			}
			cmd := exec.Command(microsocks, args...)
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			p := &Proxy{Scheme: SOCKS5, Server: addr.Remote{Host: "127.0.0.1", Port: uint16(port)}, User: c.user, Password: c.password}
			require.Eventually(t, func() bool {
				conn, err := p.Connect(t.Context(), dial.Options{})
				if err == nil {
					conn.Close()
				}
				return err == nil
			}, patience, 5*time.Millisecond, "microsocks does not listen")
			at := addr.Remote{Host: "localhost", Port: to.Port}
			if name == "refused" {
				at.Port = 1
			}
			conn, _, err := open(t, p, at)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			converse(t, conn)
		})
	}
}
