package socks

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/relay"
	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

func TestTargetObservesTheRelay(t *testing.T) {
	for name, host := range map[string]string{"IPv4": "127.0.0.1", "IPv4-mapped": "::ffff:127.0.0.1", "name": "localhost"} {
		t.Run(name, func(t *testing.T) {
			eachProtocol(t, func(t *testing.T, ask asker) {
				l := listen(t, "127.0.0.1:0")
				p := startProxy(t, onLoopback(t))
				c := p.dial(t)
				_, err := c.Write(ask.request(addr.Remote{Host: host, Port: addr.Of(l.Addr()).Port()}))
				require.NoError(t, err)
				target := nodetest.Accept(t, l)
				_, bound := ask.answer(t, c)
				connected := p.event(t, "connected")
				assert.Equal(t, target.RemoteAddr().String(), connected["local"])
				assert.Equal(t, l.Addr().String(), connected["target"])
				if ask.name == "socks5" {
					assert.Equal(t, target.RemoteAddr().String(), bound.String(), "the reply says what the target sees")
				}
				assert.Equal(t, host, strings.Trim(strings.TrimSuffix(p.event(t, "asked")["request"].(string), ":"+portOf(l)), "[]"))
			})
		})
	}
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestIPv6(t *testing.T) {
	l := listen(t, "[::1]:0")
	eachProtocol(t, func(t *testing.T, ask asker) {
		p := startProxy(t, onLoopback(t))
		c := p.dial(t)
		ask.open(t, c, l.Addr())
		assert.Equal(t, l.Addr().String(), nodetest.Accept(t, l).LocalAddr().String())
	})
}

// TestNothingIsLostAroundTheHandshake: bytes that come together with the request, and
// those of a target that speaks first.
func TestNothingIsLostAroundTheHandshake(t *testing.T) {
	early := strings.Repeat("early ", 50_000)
	eachProtocol(t, func(t *testing.T, ask asker) {
		l := listen(t, "127.0.0.1:0")
		p := startProxy(t, onLoopback(t))
		c := p.dial(t)
		go func() {
			_, _ = c.Write(append(ask.request(remote(l.Addr())), early...))
			_ = c.CloseWrite()
		}()
		target := nodetest.Accept(t, l)
		nodetest.Send(t, target, "banner")
		nodetest.ReceiveEnd(t, target, early)
		target.Close()
		ask.answer(t, c)
		nodetest.ReceiveEnd(t, c, "banner")
		closed := p.event(t, "closed")
		assert.EqualValues(t, len(early), closed["forth"])
		assert.EqualValues(t, len("banner"), closed["back"])
		assert.EqualValues(t, len(early)+len("banner"), closed["spliced"], "none of it through user space")
	})
}

// TestRequestByteByByte is the other extreme.
func TestRequestByteByByte(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ask asker) {
		l := listen(t, "127.0.0.1:0")
		p := startProxy(t, onLoopback(t))
		c := p.dial(t)
		for _, b := range ask.request(remote(l.Addr())) {
			_, err := c.Write([]byte{b})
			require.NoError(t, err)
		}
		nodetest.Accept(t, l)
		ask.answer(t, c)
	})
}

func TestHalfCloseAndReset(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ask asker) {
		t.Run("client's FIN", func(t *testing.T) {
			_, client, target := pair(t, ask, onLoopback(t))
			nodetest.Send(t, client, "question")
			require.NoError(t, client.CloseWrite())
			nodetest.ReceiveEnd(t, target, "question")
			nodetest.Send(t, target, "answer")
			target.Close()
			nodetest.ReceiveEnd(t, client, "answer")
		})
		t.Run("target's FIN", func(t *testing.T) {
			_, client, target := pair(t, ask, onLoopback(t))
			require.NoError(t, target.CloseWrite())
			nodetest.ReceiveEnd(t, client, "")
			nodetest.Send(t, client, "goes on")
			client.Close()
			nodetest.ReceiveEnd(t, target, "goes on")
		})
		t.Run("client's RST", func(t *testing.T) {
			p, client, target := pair(t, ask, onLoopback(t))
			p.event(t, "connected")
			relay.Reset(client)
			_, err := io.Copy(io.Discard, target)
			assert.ErrorIs(t, err, unix.ECONNRESET)
		})
		t.Run("target's RST", func(t *testing.T) {
			_, client, target := pair(t, ask, onLoopback(t))
			relay.Reset(target)
			_, err := io.Copy(io.Discard, client)
			assert.ErrorIs(t, err, unix.ECONNRESET)
		})
		t.Run("idle", func(t *testing.T) {
			c := onLoopback(t)
			c.Idle = 100 * time.Millisecond
			p, client, target := pair(t, ask, c)
			for _, c := range []*net.TCPConn{client, target} {
				_, err := io.Copy(io.Discard, c)
				assert.ErrorIs(t, err, unix.ECONNRESET)
			}
			assert.Equal(t, "idle", p.event(t, "closed")["why"])
		})
		t.Run("stop", func(t *testing.T) {
			p, client, target := pair(t, ask, onLoopback(t))
			p.stop()
			for _, c := range []*net.TCPConn{client, target} {
				_, err := io.Copy(io.Discard, c)
				assert.ErrorIs(t, err, unix.ECONNRESET)
			}
		})
	})
}

// TestHandshakeLimit: a client that is silent, or slow, or says half.
func TestHandshakeLimit(t *testing.T) {
	for name, begun := range map[string]string{
		"silent": "", "half a greeting": "\x05\x02", "greeting alone": "\x05\x01\x00", "half a head": "CONNECT server:80 HTTP/1.1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			config := onLoopback(t)
			config.Handshake = 50 * time.Millisecond
			p := startProxy(t, config)
			c := p.dial(t)
			nodetest.Send(t, c, begun)
			_, err := io.Copy(io.Discard, c)
			require.NoError(t, err, "ended by a FIN")
			assert.Contains(t, p.event(t, "refused")["error"], "had not asked after 50ms (--handshake)")
		})
	}
}

func TestStopDuringTheHandshake(t *testing.T) {
	p := startProxy(t, onLoopback(t))
	c := p.dial(t)
	nodetest.Send(t, c, "\x05")
	p.event(t, "accepted")
	p.stop()
	_, err := io.Copy(io.Discard, c)
	assert.ErrorIs(t, err, unix.ECONNRESET)
}

// TestWhatIsNeitherProtocol: nothing that a foreign protocol says makes the proxy
// answer more than it was asked.
func TestWhatIsNeitherProtocol(t *testing.T) {
	for said, want := range map[string]struct{ answer, event string }{
		"\x16\x03\x01\x02\x00\x01":             {"", "neither SOCKS5 nor HTTP: the first byte is 0x16"},
		"\x04\x01\x00\x50\x7f\x00\x00\x01\x00": {"", "neither SOCKS5 nor HTTP: the first byte is 0x04"},
		"get / http/1.1\r\n\r\n":               {"", "neither SOCKS5 nor HTTP: the first byte is 0x67"},
		"\x05\x00":                             {"\x05\xff", "socks5: insists on authentication, and there is none here"},
		"\x05\x01\x02":                         {"\x05\xff", "socks5: insists on authentication, and there is none here"},
		"\x05\x01\x00\x04\x01\x00":             {"\x05\x00\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00", "socks5: version 4 in place of 5"},
		"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50":                    {"\x05\x00\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00", "socks5: BIND is not served"},
		"\x05\x01\x00\x05\x09\x00\x01\x7f\x00\x00\x01\x00\x50":                    {"\x05\x00\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00", "socks5: command 9 is not served"},
		"\x05\x01\x00\x05\x01\x00\x02\x7f\x00\x00\x01\x00\x50":                    {"\x05\x00\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00", "socks5: an address of no known type: 2"},
		"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n":               {"HTTP/1.1 405", "http: GET: only CONNECT is served"},
		"CONNECT localhost HTTP/1.1\r\nHost: localhost\r\n\r\n":                   {"HTTP/1.1 400", `http: CONNECT "localhost": want HOST:PORT`},
		"CONNECT localhost:1 HTTP/1.1\r\nA: " + strings.Repeat("b", wire.MaxHead): {"HTTP/1.1 431", "http: the head of the HTTP message is longer than 8 KiB"},
	} {
		p := startProxy(t, onLoopback(t))
		c := p.dial(t)
		nodetest.Send(t, c, said)
		require.NoError(t, c.CloseWrite())
		answer, err := io.ReadAll(c)
		require.NoError(t, err, "%q", said)
		if strings.HasPrefix(want.answer, "HTTP") {
			assert.True(t, strings.HasPrefix(string(answer), want.answer), "%q: %q", said, answer)
		} else {
			assert.Equal(t, want.answer, string(answer), "%q", said)
		}
		assert.Equal(t, want.event, p.event(t, "refused")["error"], "%q", said)
	}
}

// TestClientThatLeaves: at any moment of its handshake.
func TestClientThatLeaves(t *testing.T) {
	eachProtocol(t, func(t *testing.T, ask asker) {
		l := listen(t, "127.0.0.1:0")
		p := startProxy(t, onLoopback(t))
		all := ask.request(remote(l.Addr()))
		for n := range all {
			for _, leave := range []func(*net.TCPConn){func(c *net.TCPConn) { c.Close() }, relay.Reset} {
				c := p.dial(t)
				_, err := c.Write(all[:n])
				require.NoError(t, err)
				leave(c)
			}
		}
		require.Eventually(t, func() bool {
			return strings.Count(p.log.String(), `"event":"refused"`) == 2*len(all)
		}, patience, time.Millisecond)
		assert.NotContains(t, p.log.String(), `"event":"connected"`)
		c := p.dial(t)
		ask.open(t, c, l.Addr())
	})
}

func TestMaxPerSource(t *testing.T) {
	config := onLoopback(t)
	config.MaxPerSource = 2
	l := listen(t, "127.0.0.1:0")
	p := startProxy(t, config)
	first, second := p.dial(t), p.dial(t)
	bySOCKS.open(t, first, l.Addr())
	bySOCKS.open(t, second, l.Addr())
	third, err := net.Dial("tcp", p.Addrs()[0].String())
	if err == nil {
		defer third.Close()
		_, err = third.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, unix.ECONNRESET)
	assert.Equal(t, "127.0.0.1 has 2 connections (--max-per-source); more of its are reset", p.event(t, "limited")["reason"])

	// Another source has its own share.
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	other, err := d.Dial("tcp", p.Addrs()[0].String())
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, other.SetDeadline(time.Now().Add(patience)))
	bySOCKS.open(t, other.(*net.TCPConn), l.Addr())

	relay.Reset(first)
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", p.Addrs()[0].String())
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = c.Write([]byte("\x05\x01\x00"))
		_, err = io.ReadFull(c, make([]byte, 2))
		return err == nil
	}, patience, time.Millisecond, "there is room again")
}

func TestMaxConnections(t *testing.T) {
	config := onLoopback(t)
	config.MaxConnections = 1
	l := listen(t, "127.0.0.1:0")
	p := startProxy(t, config)
	first, second := p.dial(t), p.dial(t)
	bySOCKS.open(t, first, l.Addr())
	nodetest.Send(t, second, "\x05\x01\x00")
	p.event(t, "limited")
	require.NoError(t, second.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err := second.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "it waits")
	relay.Reset(first)
	require.NoError(t, second.SetReadDeadline(time.Now().Add(patience)))
	nodetest.Receive(t, second, "\x05\x00")
}
