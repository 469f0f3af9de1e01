package endurance

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// TestLengthsAtTheEdge sends what has just less, as many, and just more bytes than 16
// bits count, in one write, both ways: every form carries it whole.
func TestLengthsAtTheEdge(t *testing.T) {
	eachForm(t, func(t *testing.T, f form) {
		rig := f.start(t, newField(t, func(c *net.TCPConn) {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(patience))
			b, err := io.ReadAll(c)
			if err == nil {
				_, _ = c.Write(b)
			}
		}), limits{idle: time.Minute})
		for _, n := range []int{0, 1, 1<<15 - 1, 1 << 15, 1<<16 - 3, 1<<16 - 2, 1<<16 - 1, 1 << 16, 1<<16 + 1, 1<<17 - 1, 1 << 17, 1<<17 + 1} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			c, err := rig.dial(ctx)
			require.NoError(t, err)
			require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
			sent := make([]byte, n)
			_, _ = rand.Read(sent)
			_, err = c.Write(sent)
			require.NoError(t, err)
			require.NoError(t, c.CloseWrite())
			got, err := io.ReadAll(c)
			require.NoError(t, err)
			require.True(t, bytes.Equal(sent, got), "%d bytes, %d back", n, len(got))
			c.Close()
			cancel()
		}
	})
}

// TestRelayThatEnds: a relay that is told to stop resets what it carries. One that is
// killed is its kernel's to clean up: a FIN, or an RST where bytes were unread. Started
// again at the same address, at once, it serves new connections.
func TestRelayThatEnds(t *testing.T) {
	target := freeAddress(t, "127.0.0.1")
	l, err := net.Listen("tcp4", target.String())
	require.NoError(t, err)
	defer l.Close()
	u, err := net.ListenPacket("udp4", target.String())
	require.NoError(t, err)
	defer u.Close()
	listen := freeAddress(t, "127.0.0.1")
	for name, args := range map[string][]string{
		"tcp and udp": {"forward", "tcp:" + listen.String() + "=" + target.String(), "udp:" + listen.String() + "=" + target.String()},
		"socks":       {"socks", listen.String(), "--allow", "127.0.0.1"},
	} {
		for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			t.Run(name+" "+signal.String(), func(t *testing.T) {
				first := start(t, nil, nil, "relay", args...)
				client := askThrough(t, name, listen, target)
				far, err := l.Accept()
				require.NoError(t, err)
				defer far.Close()
				require.NoError(t, far.SetDeadline(time.Now().Add(patience)))
				require.NoError(t, hear(far, "hello"))
				began := time.Now()
				first.end(signal)
				assert.Less(t, time.Since(began), 10*time.Second)
				for _, c := range []net.Conn{client, far} {
					_, err := io.Copy(io.Discard, c)
					if signal == syscall.SIGTERM {
						assert.ErrorIs(t, err, unix.ECONNRESET)
					} else if err != nil { // no error is a FIN
						assert.ErrorIs(t, err, unix.ECONNRESET)
					}
				}

				start(t, nil, nil, "relay", args...)
				again := askThrough(t, name, listen, target)
				farAgain, err := l.Accept()
				require.NoError(t, err)
				defer farAgain.Close()
				require.NoError(t, hear(farAgain, "hello"))
				_ = again
			})
		}
	}
	t.Run("a UDP client need not notice", func(t *testing.T) {
		args := []string{"udp", listen.String() + "=" + target.String()}
		first := start(t, nil, nil, "relay", args...)
		c, err := net.Dial("udp4", listen.String())
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		require.NoError(t, u.SetDeadline(time.Now().Add(patience)))
		exchange := func() string {
			require.NoError(t, say(c, "hello"))
			b := make([]byte, 10)
			n, from, err := u.ReadFrom(b)
			require.NoError(t, err)
			require.Equal(t, "hello", string(b[:n]))
			_, err = u.WriteTo([]byte("hi"), from)
			require.NoError(t, err)
			require.NoError(t, hear(c, "hi"))
			return from.String()
		}
		before := exchange()
		first.end(syscall.SIGKILL)
		// While there is no relay, its host says so (ICMP: port unreachable).
		require.Eventually(t, func() bool {
			_ = say(c, "lost")
			_, err := c.Read(make([]byte, 1))
			return errors.Is(err, unix.ECONNREFUSED)
		}, patience, time.Millisecond)
		start(t, nil, nil, "relay", args...)
		_, _ = c.Write(nil) // takes an error that may be left
		for {
			require.NoError(t, u.SetDeadline(time.Now().Add(50*time.Millisecond)))
			if _, _, err := u.ReadFrom(make([]byte, 10)); err != nil {
				break
			}
		}
		require.NoError(t, u.SetDeadline(time.Now().Add(patience)))
		assert.NotEqual(t, before, exchange(), "a new session, from a new socket")
	})
}

// askThrough connects by way of the relay at listen and says hello to the target.
func askThrough(t *testing.T, form string, listen, target netip.AddrPort) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp4", listen.String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	if form == "socks" {
		p := openProxy(listen)
		_, err := p.Open(c.(*net.TCPConn), addr.RemoteAt(target))
		require.NoError(t, err)
	}
	require.NoError(t, say(c, "hello"))
	return c.(*net.TCPConn)
}

// TestPeerThatVanishes takes the cable of one end away in the middle of a connection: no
// FIN, no RST, never again a packet. Whether the other end is silent or goes on sending, the
// relay ends it by an RST after the idle limit.
func TestPeerThatVanishes(t *testing.T) {
	const (
		clientIP, lanIP = "10.98.1.10", "10.98.1.20"
		targetIP, wanIP = "10.98.2.10", "10.98.2.20"
	)
	for name, args := range map[string][]string{
		"tcp":   {"tcp", lanIP + ":7000=" + targetIP + ":50007", "--idle", "1s"},
		"socks": {"socks", lanIP + ":7000", "--idle", "1s"},
	} {
		for _, vanishes := range []string{"client", "target"} {
			for _, speaks := range []bool{false, true} {
				how := map[bool]string{false: " in silence", true: " while the other speaks"}[speaks]
				t.Run(name+" "+vanishes+how, func(t *testing.T) {
					client, relay, target := nstest.New(t), nstest.New(t), nstest.New(t)
					nstest.Link(t, client, "eth0", clientIP+"/24", relay, "lan", lanIP+"/24")
					nstest.Link(t, target, "eth0", targetIP+"/24", relay, "wan", wanIP+"/24")
					var l net.Listener
					require.NoError(t, target.Do(func() (err error) {
						l, err = net.Listen("tcp4", targetIP+":50007")
						return err
					}))
					defer l.Close()
					p := start(t, relay, unusual, "relay", args...)
					before := p.atRest(t)
					var near net.Conn
					require.NoError(t, client.Do(func() (err error) {
						near, err = net.Dial("tcp4", lanIP+":7000")
						return err
					}))
					defer near.Close()
					require.NoError(t, near.SetDeadline(time.Now().Add(patience)))
					if name == "socks" {
						_, err := openProxy(netip.MustParseAddrPort(lanIP+":7000")).Open(near.(*net.TCPConn), addr.Remote{Host: targetIP, Port: 50007})
						require.NoError(t, err)
					}
					require.NoError(t, near.SetDeadline(time.Now().Add(patience)))
					require.NoError(t, say(near, "hello"))
					far, err := l.Accept()
					require.NoError(t, err)
					defer far.Close()
					require.NoError(t, far.SetDeadline(time.Now().Add(patience)))
					require.NoError(t, hear(far, "hello"))

					host, left := client, far
					if vanishes == "target" {
						host, left = target, near
					}
					link, err := host.LinkByName("eth0")
					require.NoError(t, err)
					require.NoError(t, host.LinkSetDown(link))
					if speaks {
						require.NoError(t, say(left, "are you there?"))
					}
					_, err = io.Copy(io.Discard, left)
					assert.ErrorIs(t, err, unix.ECONNRESET)
					assert.Contains(t, p.wait(t, "closed"), "idle for 1s")
					awaitRest(t, p, before)
				})
			}
		}
	}
}

// TestDatagramsAtTheEdge sends the largest datagrams that UDP has, and is told of larger
// ones by its own kernel, through relay udp and by SOCKS5, whose header takes its part.
func TestDatagramsAtTheEdge(t *testing.T) {
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer u.Close()
	require.NoError(t, u.SetDeadline(time.Now().Add(patience)))
	listen := freeAddress(t, "127.0.0.1")
	start(t, nil, nil, "relay", "udp", listen.String()+"="+u.LocalAddr().String())
	c, err := net.Dial("udp4", listen.String())
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	buf := make([]byte, 1<<16)
	for _, n := range []int{0, 1, 65506, 65507} {
		require.NoError(t, say(c, strings.Repeat("d", n)))
		got, from, err := u.ReadFrom(buf)
		require.NoError(t, err)
		require.Equal(t, n, got)
		_, err = u.WriteTo(buf[:got], from)
		require.NoError(t, err)
		got, err = c.Read(buf)
		require.NoError(t, err)
		require.Equal(t, n, got)
	}
	assert.ErrorIs(t, say(c, strings.Repeat("d", 65508)), unix.EMSGSIZE)
}
