package socks

import (
	"net"
	"net/netip"
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

// udpClient is the client of a UDP association.
type udpClient struct {
	*net.UDPConn // connected to the relay's UDP address

	control *net.TCPConn
}

func associate(t testing.TB, p *testProxy) *udpClient {
	t.Helper()
	c := p.dial(t)
	b, err := wire.AppendRequest(wire.AppendGreeting(nil, wire.NoAuthentication), wire.Request{Command: wire.Associate, Address: addr.Remote{Host: "0.0.0.0"}})
	require.NoError(t, err)
	_, err = c.Write(b)
	require.NoError(t, err)
	_, err = wire.ReadMethod(c)
	require.NoError(t, err)
	reply, bound, err := wire.ReadReply(c)
	require.NoError(t, err)
	require.Equal(t, wire.Succeeded, reply)
	require.Equal(t, "127.0.0.1", bound.Host, "the address at which the client has reached the relay")
	return &udpClient{dialUDP(t, bound.String()), c}
}

func dialUDP(t testing.TB, to string) *net.UDPConn {
	t.Helper()
	u, err := net.Dial("udp", to)
	require.NoError(t, err)
	t.Cleanup(func() { u.Close() })
	require.NoError(t, u.SetDeadline(time.Now().Add(patience)))
	return u.(*net.UDPConn)
}

// say sends a datagram that is to go to host.
func (u *udpClient) say(t testing.TB, to addr.Remote, payload string) {
	t.Helper()
	b, err := wire.AppendDatagram(nil, wire.Datagram{Address: to, Payload: []byte(payload)})
	require.NoError(t, err)
	_, err = u.Write(b)
	require.NoError(t, err)
}

func (u *udpClient) hear(t testing.TB) (payload string, from addr.Remote) {
	t.Helper()
	b := make([]byte, 1<<16)
	n, err := u.Read(b)
	require.NoError(t, err)
	d, err := wire.ParseDatagram(b[:n])
	require.NoError(t, err)
	return string(d.Payload), d.Address
}

// udpTarget is a socket that a test reads and writes itself.
type udpTarget struct{ *net.UDPConn }

func listenUDP(t testing.TB, address string) udpTarget {
	t.Helper()
	c, err := net.ListenPacket("udp", address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return udpTarget{c.(*net.UDPConn)}
}

func (u udpTarget) remote() addr.Remote { return remote(u.LocalAddr()) }

func (u udpTarget) receive(t testing.TB) (string, netip.AddrPort) {
	t.Helper()
	b := make([]byte, 1<<16)
	n, from, err := u.ReadFromUDPAddrPort(b)
	require.NoError(t, err)
	return string(b[:n]), addr.Plain(from)
}

func (u udpTarget) answer(t testing.TB, s string, to netip.AddrPort) {
	t.Helper()
	_, err := u.WriteToUDPAddrPort([]byte(s), to)
	require.NoError(t, err)
}

func TestDatagramsKeepTheirBoundaries(t *testing.T) {
	target := listenUDP(t, "127.0.0.1:0")
	p := startProxy(t, onLoopback(t))
	c := associate(t, p)
	// 65,507 bytes are UDP's limit over IPv4, and the header to IPv4 takes 10.
	for _, n := range []int{1, 0, 1472, 1473, 65507 - 10, 2} {
		sent := strings.Repeat("d", n)
		c.say(t, target.remote(), sent)
		got, from := target.receive(t)
		require.True(t, sent == got, "%d bytes, %d received", n, len(got))
		target.answer(t, got, from)
		back, source := c.hear(t)
		require.True(t, sent == back, "%d bytes, %d back", n, len(back))
		assert.Equal(t, target.remote(), source)
	}
	// A target may say more than fits behind the header. It is dropped, and nothing
	// else is: not cut, since half a datagram is another.
	c.say(t, target.remote(), "more")
	_, from := target.receive(t)
	target.answer(t, strings.Repeat("m", 65507), from)
	target.answer(t, "less", from)
	back, _ := c.hear(t)
	assert.Equal(t, "less", back)
	c.control.Close()
	closed := p.event(t, "closed")
	assert.EqualValues(t, 7, closed["forth_datagrams"])
	assert.EqualValues(t, 7, closed["back_datagrams"])
	assert.Equal(t, "FIN from client", closed["why"])
}

func TestOneSocketForAllTargets(t *testing.T) {
	first, second, v6 := listenUDP(t, "127.0.0.1:0"), listenUDP(t, "127.0.0.2:0"), listenUDP(t, "[::1]:0")
	p := startProxy(t, onLoopback(t))
	c := associate(t, p)
	c.say(t, first.remote(), "1")
	_, seen := first.receive(t)
	c.say(t, second.remote(), "2")
	_, again := second.receive(t)
	assert.Equal(t, seen.Port(), again.Port(), "an endpoint-independent mapping")
	c.say(t, addr.Remote{Host: "localhost", Port: first.remote().Port}, "by name")
	got, _ := first.receive(t)
	assert.Equal(t, "by name", got)
	c.say(t, v6.remote(), "6")
	_, six := v6.receive(t)
	v6.answer(t, "six", six)
	back, from := c.hear(t)
	assert.Equal(t, "six", back)
	assert.Equal(t, v6.remote(), from)
}

// TestStrangersAreDropped, inside and outside.
func TestStrangersAreDropped(t *testing.T) {
	target, stranger := listenUDP(t, "127.0.0.1:0"), listenUDP(t, "127.0.0.3:0")
	p := startProxy(t, onLoopback(t))
	c := associate(t, p)
	c.say(t, target.remote(), "mine")
	_, seen := target.receive(t)

	inside := c.RemoteAddr().String()
	theirs, err := wire.AppendDatagram(nil, wire.Datagram{Address: target.remote(), Payload: []byte("theirs")})
	require.NoError(t, err)
	d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	for name, dial := range map[string]func() (net.Conn, error){
		"another port of the client's host": func() (net.Conn, error) { return net.Dial("udp", inside) },
		"another host":                      func() (net.Conn, error) { return d.Dial("udp", inside) },
	} {
		intruder, err := dial()
		require.NoError(t, err)
		defer intruder.Close()
		_, err = intruder.Write(theirs)
		require.NoError(t, err, name)
	}
	stranger.answer(t, "nobody asked me", seen)
	// What comes after all of these is all that comes.
	c.say(t, target.remote(), "mine again")
	got, _ := target.receive(t)
	assert.Equal(t, "mine again", got)
	target.answer(t, "answer", seen)
	back, _ := c.hear(t)
	assert.Equal(t, "answer", back)
}

// TestWhatIsDropped: fragments, what has no header, and what the rules refuse.
func TestWhatIsDropped(t *testing.T) {
	target := listenUDP(t, "127.0.0.1:0")
	config := onLoopback(t)
	config.Rules.Rules = config.Rules.Rules[:1] // 127.0.0.0/8
	p := startProxy(t, config)
	c := associate(t, p)
	port := target.remote().Port
	for _, b := range []string{"", "\x00", "\x00\x00\x00", "\x00\x00\x00\x01\x7f\x00\x00", "\x00\x00\x00\x09\x7f\x00\x00\x01\x00\x07", "\x00\x00\x01\x01\x7f\x00\x00\x01\x00\x07fragment"} {
		_, err := c.Write([]byte(b))
		require.NoError(t, err)
	}
	for _, host := range []string{"0.0.0.0", "::1", "::", "::ffff:0.0.0.0", "255.255.255.255", "nobody.invalid"} {
		c.say(t, addr.Remote{Host: host, Port: port}, "refused")
	}
	c.say(t, target.remote(), "allowed")
	got, _ := target.receive(t)
	assert.Equal(t, "allowed", got)
}

func TestAssociationEnds(t *testing.T) {
	gone := func(t *testing.T, c *udpClient) {
		require.Eventually(t, func() bool {
			_, _ = c.Write([]byte{0})
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
			_, err := c.Read(make([]byte, 1))
			return err != nil && !os.IsTimeout(err) // ECONNREFUSED
		}, patience, time.Millisecond, "the relay's UDP socket is still there")
	}
	t.Run("with the TCP connection", func(t *testing.T) {
		p := startProxy(t, onLoopback(t))
		c := associate(t, p)
		c.control.Close()
		gone(t, c)
		assert.Equal(t, "FIN from client", p.event(t, "closed")["why"])
	})
	t.Run("by its RST", func(t *testing.T) {
		p := startProxy(t, onLoopback(t))
		c := associate(t, p)
		relay.Reset(c.control)
		gone(t, c)
		assert.Equal(t, "ECONNRESET (104) connection reset by peer from client", p.event(t, "closed")["why"])
	})
	t.Run("by silence", func(t *testing.T) {
		config := onLoopback(t)
		config.Lifetime = 50 * time.Millisecond
		p := startProxy(t, config)
		c := associate(t, p)
		_, err := c.control.Read(make([]byte, 1))
		assert.ErrorIs(t, err, unix.ECONNRESET)
		gone(t, c)
		assert.Equal(t, "silent for 50ms", p.event(t, "closed")["why"])
	})
	t.Run("with the relay", func(t *testing.T) {
		p := startProxy(t, onLoopback(t))
		c := associate(t, p)
		p.stop()
		_, err := c.control.Read(make([]byte, 1))
		assert.ErrorIs(t, err, unix.ECONNRESET)
		gone(t, c)
	})
}

func TestMaxAssociations(t *testing.T) {
	config := onLoopback(t)
	config.MaxAssociations = 1
	p := startProxy(t, config)
	first := associate(t, p)
	c := p.dial(t)
	b, err := wire.AppendRequest(wire.AppendGreeting(nil, wire.NoAuthentication), wire.Request{Command: wire.Associate, Address: addr.Remote{Host: "0.0.0.0"}})
	require.NoError(t, err)
	_, err = c.Write(b)
	require.NoError(t, err)
	nodetest.ReceiveEnd(t, c, "\x05\x00\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00")
	assert.Equal(t, "too many UDP associations (--max-associations)", p.event(t, "refused")["error"])
	first.control.Close()
	p.event(t, "closed")
	associate(t, p)
}
