package relay

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func listenLoopbackUDP(t testing.TB) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(loopback))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// echoUDP serves until the test ends: each datagram goes back.
func echoUDP(t testing.TB) *net.UDPConn {
	t.Helper()
	c := listenLoopbackUDP(t)
	var wg sync.WaitGroup
	t.Cleanup(func() { c.Close(); wg.Wait() })
	wg.Go(func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = c.WriteToUDPAddrPort(buf[:n], from)
		}
	})
	return c
}

// dialUDP returns a socket that receives only from addr.
func dialUDP(t testing.TB, addr netip.AddrPort) *net.UDPConn {
	t.Helper()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// receiveDatagram reads one datagram and its source.
func receiveDatagram(t testing.TB, c *net.UDPConn) (string, netip.AddrPort) {
	t.Helper()
	buf := make([]byte, 1<<16)
	n, from, err := c.ReadFromUDPAddrPort(buf)
	require.NoError(t, err)
	return string(buf[:n]), from
}

func TestDatagramsKeepTheirBoundaries(t *testing.T) {
	r := startRelay(t, DefaultOptions(), to(UDP, echoUDP(t).LocalAddr()))
	c := dialUDP(t, r.Addrs()[0])
	for _, n := range []int{1, 0, 1472, 1473, 65507, 0, 2} {
		sent := text(n)
		_, err := c.Write([]byte(sent))
		require.NoError(t, err)
		got, _ := receiveDatagram(t, c)
		require.Equal(t, len(sent), len(got))
		require.Equal(t, sent, got)
	}
}

// Many sources send bursts of mixed sizes at once, which the relay receives and sends
// by the batch: each gets its own datagrams back, whole and in order.
func TestSessionsDoNotMix(t *testing.T) {
	const sources, bursts = 8, 60 // what is on its way fits in a default socket buffer
	sizes := []int{0, 1, 64, 64, 64, 1200, 1200, 1473}
	r := startRelay(t, DefaultOptions(), to(UDP, echoUDP(t).LocalAddr()))
	var wg sync.WaitGroup
	for source := range sources {
		c := dialUDP(t, r.Addrs()[0])
		wg.Go(func() {
			for burst := range bursts {
				var sent []string
				for i, n := range sizes[burst%3:] {
					name := fmt.Sprintf("source %d burst %d datagram %d ", source, burst, i)
					sent = append(sent, strings.Repeat(name, n/len(name)+1)[:n])
					_, err := io.WriteString(c, sent[i])
					assert.NoError(t, err)
				}
				buf := make([]byte, 1<<16)
				for i, want := range sent {
					n, err := c.Read(buf)
					if !assert.NoError(t, err) || !assert.Equal(t, want, string(buf[:n]), "datagram %d", i) {
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestEachSourceIsASession(t *testing.T) {
	target := listenLoopbackUDP(t)
	r := startRelay(t, DefaultOptions(), to(UDP, target.LocalAddr()))
	first, second := dialUDP(t, r.Addrs()[0]), dialUDP(t, r.Addrs()[0])

	nodetest.Send(t, first, "first")
	text, firstSeen := receiveDatagram(t, target)
	require.Equal(t, "first", text)
	nodetest.Send(t, second, "second")
	text, secondSeen := receiveDatagram(t, target)
	require.Equal(t, "second", text)
	nodetest.Send(t, first, "first again")
	_, again := receiveDatagram(t, target)

	assert.NotEqual(t, firstSeen, secondSeen, "the target tells the sources apart")
	assert.Equal(t, firstSeen, again)
	connected := r.log.wait(t, "connected", 2)
	assert.Equal(t, first.LocalAddr().String(), connected[0]["client"])
	assert.Equal(t, firstSeen.String(), connected[0]["local"])
	assert.Equal(t, second.LocalAddr().String(), connected[1]["client"])
	assert.Equal(t, secondSeen.String(), connected[1]["local"])

	// Answers go to the source of the session, in any order and number.
	for _, answer := range []string{"to second", "to second again"} {
		_, err := target.WriteToUDPAddrPort([]byte(answer), secondSeen)
		require.NoError(t, err)
	}
	_, err := target.WriteToUDPAddrPort([]byte("to first"), firstSeen)
	require.NoError(t, err)
	nodetest.Receive(t, first, "to first")
	nodetest.Receive(t, second, "to second")
	nodetest.Receive(t, second, "to second again")
}

func TestSessionEndsAfterItsLifetime(t *testing.T) {
	options := DefaultOptions()
	options.Lifetime = 50 * time.Millisecond
	target := listenLoopbackUDP(t)
	r := startRelay(t, options, to(UDP, target.LocalAddr()))
	c := dialUDP(t, r.Addrs()[0])
	nodetest.Send(t, c, "hello")
	_, before := receiveDatagram(t, target)

	closed := r.log.wait(t, "closed", 1)[0]
	assert.Equal(t, "lifetime", closed["why"])
	assert.EqualValues(t, 5, closed["forth"])
	assert.EqualValues(t, 1, closed["forth_datagrams"])
	assert.EqualValues(t, 0, closed["back_datagrams"])
	assert.GreaterOrEqual(t, closed["seconds"], options.Lifetime.Seconds())

	nodetest.Send(t, c, "hello again")
	_, after := receiveDatagram(t, target)
	r.log.wait(t, "connected", 2)
	assert.NotEqual(t, before, after, "a new session, from a new socket")
}

func TestTrafficOfEitherDirectionRefreshesASession(t *testing.T) {
	options := DefaultOptions()
	options.Lifetime = time.Hour
	target := listenLoopbackUDP(t)
	r := startRelay(t, options, to(UDP, target.LocalAddr()))
	c := dialUDP(t, r.Addrs()[0])
	nodetest.Send(t, c, "hello")
	_, seen := receiveDatagram(t, target)
	l := r.listeners[0].(*udpListener)
	s := l.only(t)

	refreshes := func(direction string, traffic func()) {
		before := s.lastMoved()
		traffic()
		after := s.lastMoved()
		require.True(t, after.After(before), direction)
		ended, next := l.expire(s, before.Add(options.Lifetime))
		assert.False(t, ended, direction)
		assert.Equal(t, after.Add(options.Lifetime), next)
	}
	refreshes("forth", func() {
		nodetest.Send(t, c, "forth")
		receiveDatagram(t, target)
	})
	refreshes("back", func() {
		_, err := target.WriteToUDPAddrPort([]byte("back"), seen)
		require.NoError(t, err)
		nodetest.Receive(t, c, "back")
	})
	ended, _ := l.expire(s, s.lastMoved().Add(options.Lifetime))
	assert.True(t, ended)
	s.conn.Close()
}

// only returns the one session there is.
func (l *udpListener) only(t testing.TB) *session {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Len(t, l.sessions, 1)
	for _, s := range l.sessions {
		return s
	}
	return nil
}

func TestTargetThatIsNotThereEndsNothing(t *testing.T) {
	target := listenLoopbackUDP(t)
	address := target.LocalAddr().(*net.UDPAddr)
	r := startRelay(t, DefaultOptions(), to(UDP, address))
	c := dialUDP(t, r.Addrs()[0])
	target.Close()
	nodetest.Send(t, c, "to nobody")
	trouble := r.log.wait(t, "error", 1)[0]
	assert.Equal(t, "ECONNREFUSED (111) connection refused", trouble["error"])
	assert.Equal(t, address.String(), trouble["target"])

	target, err := net.ListenUDP("udp", address)
	require.NoError(t, err)
	defer target.Close()
	require.NoError(t, target.SetDeadline(time.Now().Add(patience)))
	nodetest.Send(t, c, "to somebody")
	text, from := receiveDatagram(t, target)
	assert.Equal(t, "to somebody", text)
	_, err = target.WriteToUDPAddrPort([]byte("back"), from)
	require.NoError(t, err)
	nodetest.Receive(t, c, "back")
	connected, _ := r.log.named("connected")
	assert.Len(t, connected, 1, "the session is still the same")
}

func TestAnswersComeFromTheAddressThatWasAsked(t *testing.T) {
	target := echoUDP(t).LocalAddr().String()
	for name, listen := range map[string]netip.Addr{
		"IPv4 wildcard":          netip.IPv4Unspecified(),
		"wildcard of any family": {},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRelay(t, DefaultOptions(), Forward{Protocol: UDP, Listen: netip.AddrPortFrom(listen, 0), Target: target})
			for _, asked := range []string{"127.0.0.1", "127.0.0.77"} {
				addr := netip.AddrPortFrom(netip.MustParseAddr(asked), r.Addrs()[0].Port())
				c := dialUDP(t, addr)
				nodetest.Send(t, c, "who are you?")
				nodetest.Receive(t, c, "who are you?")
				connected := r.log.wait(t, "connected", 1)
				assert.Equal(t, c.LocalAddr().String(), connected[0]["client"])
				assert.Equal(t, addr.String(), connected[0]["listen"])
				r.log.forget()
			}
		})
	}
}

func TestMaxSessions(t *testing.T) {
	options := DefaultOptions()
	options.MaxSessions = 1
	r := startRelay(t, options, to(UDP, echoUDP(t).LocalAddr()))
	first, second := dialUDP(t, r.Addrs()[0]), dialUDP(t, r.Addrs()[0])
	nodetest.Send(t, first, "first")
	nodetest.Receive(t, first, "first")
	nodetest.Send(t, second, "dropped")
	nodetest.Send(t, second, "dropped, and not said again")
	assert.Contains(t, r.log.wait(t, "limited", 1)[0]["reason"], "1 session (--max-sessions)")
	nodetest.Send(t, first, "first goes on")
	nodetest.Receive(t, first, "first goes on")

	l := r.listeners[0].(*udpListener)
	s := l.only(t)
	ended, _ := l.expire(s, s.lastMoved().Add(options.Lifetime))
	require.True(t, ended)
	s.conn.Close()
	nodetest.Send(t, second, "there is room")
	nodetest.Receive(t, second, "there is room")
	limited, _ := r.log.named("limited")
	assert.Len(t, limited, 1)
}
