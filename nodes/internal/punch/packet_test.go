package punch

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// codecs are those of two peers of one meeting.
func codecs(t testing.TB, secret string) (leader, follower codec) {
	t.Helper()
	token, err := rendezvous.NewToken(secret, rendezvous.PunchUDP)
	require.NoError(t, err)
	key, err := token.PeerKey(rendezvous.NewNonce(), rendezvous.NewNonce())
	require.NoError(t, err)
	return codec{key, true}, codec{key, false}
}

func TestPacketsOfThePeerAlone(t *testing.T) {
	leader, follower := codecs(t, "secret")
	earlier, _ := codecs(t, "secret") // the same token, other nonces
	other, _ := codecs(t, "another token")
	sent := packet{kind: data, flags: 1, number: 7, payload: []byte("hello")}
	good := leader.seal(sent)
	change := func(i int, by byte) []byte {
		b := bytes.Clone(good)
		b[i] ^= by
		return b
	}
	long := func(said int) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint16(b[6:], uint16(said))
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":                     {},
		"only the magic":              []byte(packetMagic),
		"a STUN request":              append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 40)...),
		"cut by one":                  good[:len(good)-1],
		"longer by one":               append(bytes.Clone(good), 0),
		"said to be of 65535 bytes":   long(65535),
		"said to be empty":            long(0),
		"65507 bytes":                 append(long(65507-overhead), make([]byte, 65507-len(good))...),
		"another payload":             change(packetHeader, 1),
		"another kind":                change(4, 1),
		"another number":              change(15, 1),
		"another MAC":                 change(len(good)-1, 1),
		"of an earlier meeting":       earlier.seal(sent),
		"of who has another token":    other.seal(sent),
		"sent back to its own sender": follower.seal(sent),
	} {
		_, err := follower.open(b)
		assert.ErrorIs(t, err, errForged, name)
	}
	got, err := follower.open(good)
	require.NoError(t, err)
	assert.Equal(t, sent, got)
	largest := packet{kind: data, number: 1, payload: make([]byte, maxPayload)}
	got, err = follower.open(leader.seal(largest))
	require.NoError(t, err)
	assert.Equal(t, largest, got)
	assert.Len(t, leader.seal(largest), 65507)
}

func FuzzOpen(f *testing.F) {
	leader, follower := codecs(f, "secret")
	f.Add(leader.seal(packet{kind: ping, flags: nominate, number: 1}))
	f.Add(leader.seal(packet{kind: data, number: 1, payload: []byte("hello")}))
	f.Add([]byte(packetMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := follower.open(b)
		if err != nil {
			return
		}
		assert.Equal(t, b, leader.seal(p))
	})
}

func FuzzNote(f *testing.F) {
	f.Add(note{RTT: 1234}.encode())
	f.Add([]byte(`{"rtt":-1}`))
	f.Add([]byte(`{"ports":[],"varies":true,"relay":true}`))
	f.Add([]byte(`{"ports":[0,65535,65536]}`))
	f.Add(note{Ports: make([]uint16, 2*maxPredicted)}.encode())
	f.Add([]byte(`{"rtt":1e300}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := parseNote(b)
		assert.LessOrEqual(t, n.rtt(), longestRTT)
		assert.GreaterOrEqual(t, n.rtt(), time.Duration(0))
		assert.Equal(t, n, parseNote(n.encode()))
		assert.LessOrEqual(t, len(n.encode()), rendezvous.MaxNote)
	})
}

func TestWindow(t *testing.T) {
	var w window
	assert.False(t, w.take(0))
	assert.True(t, w.take(1))
	assert.False(t, w.take(1), "again")
	assert.True(t, w.take(3))
	assert.True(t, w.take(2), "overtaken")
	assert.True(t, w.take(windowSize+3))
	assert.False(t, w.take(3), "too old")
	assert.True(t, w.take(4))
	assert.True(t, w.take(1<<63))
	assert.False(t, w.take(1<<63-windowSize))
	assert.True(t, w.take(1<<63-windowSize+1))
	assert.True(t, w.take(1<<64-1), "the last there is")
	assert.False(t, w.take(1<<64-1))
}

// attempts are those of two peers who know each other's address.
func attempts(t *testing.T) (leader, follower *attempt) {
	t.Helper()
	a, b := codecs(t, "secret")
	at := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
	events := node.From(t.Context())
	return newAttempt(a, events, at("10.5.1.10:1"), at("198.18.1.2:1"), &rendezvous.Peer{Observed: at("198.18.2.2:2")}),
		newAttempt(b, events, at("10.5.2.10:2"), at("198.18.2.2:2"), &rendezvous.Peer{Observed: at("198.18.1.2:1")})
}

// TestAReplayProvesNothing: what was recorded, and is sent again from elsewhere, makes
// no path through there.
func TestAReplayProvesNothing(t *testing.T) {
	leader, follower := attempts(t)
	follower.try(1)
	recorded := follower.flush()[0].b
	eve := netip.MustParseAddrPort("198.18.9.9:9")
	for range 3 {
		leader.take(recorded, eve)
	}
	var asked, answered int
	for _, o := range leader.flush() {
		require.Equal(t, eve, o.to)
		p, err := follower.codec.open(o.b)
		require.NoError(t, err)
		switch p.kind {
		case ping:
			asked++
		case pong:
			answered++
			assert.LessOrEqual(t, len(o.b), len(recorded), "no amplification")
		}
	}
	assert.Equal(t, 1, asked, "eve is asked once, and cannot answer")
	assert.Equal(t, 3, answered)
	assert.Nil(t, leader.chosen)

	// A pong that was recorded proves the path it came by, and no other.
	leader.try(1)
	follower.take(leader.flush()[0].b, netip.MustParseAddrPort("198.18.1.2:1"))
	for _, o := range follower.flush() {
		leader.take(o.b, eve)
	}
	assert.Nil(t, leader.chosen)
}

// TestTooManyAddresses: who has the token cannot have this side send to ever more.
func TestTooManyAddresses(t *testing.T) {
	leader, follower := attempts(t)
	follower.try(1)
	b := follower.flush()[0].b
	for port := range uint16(1000) {
		leader.take(b, netip.AddrPortFrom(netip.MustParseAddr("198.18.2.2"), 1000+port))
	}
	assert.Len(t, leader.targets, 1+maxHeard)
}

// TestGreetings: a connection of somebody else does not become the peer's.
func TestGreetings(t *testing.T) {
	leader, follower := codecs(t, "secret")
	earlier, _ := codecs(t, "secret")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	pipe := func() (a, b *net.TCPConn) {
		c, err := net.Dial("tcp4", l.Addr().String())
		require.NoError(t, err)
		d, err := l.Accept()
		require.NoError(t, err)
		t.Cleanup(func() { c.Close(); d.Close() })
		return c.(*net.TCPConn), d.(*net.TCPConn)
	}
	challenge := make([]byte, challengeSize)
	for name, say := range map[string][]byte{
		"nothing, and ends":      {},
		"something else":         []byte("GET / HTTP/1.1\r\nHost: example.com\r\n\r\nxxxxxxxxxxx"),
		"a hello of before":      earlier.seal(packet{kind: hello, payload: challenge}),
		"its own hello":          follower.seal(packet{kind: hello, payload: challenge}),
		"a hello and half":       append(leader.seal(packet{kind: hello, payload: challenge}), 1, 2, 3),
		"a proof of another":     append(leader.seal(packet{kind: hello, payload: challenge}), leader.seal(packet{kind: proof, payload: make([]byte, 2*challengeSize)})...),
		"a proof first":          leader.seal(packet{kind: proof, payload: make([]byte, 2*challengeSize)}),
		"a length of 65535":      append([]byte("clp1\x0a\x00\xff\xff"), make([]byte, 200)...),
		"a hello that is longer": leader.seal(packet{kind: hello, payload: make([]byte, challengeSize+1)}),
	} {
		a, b := pipe()
		_, err := b.Write(say)
		require.NoError(t, err)
		require.NoError(t, b.CloseWrite())
		_, err = greet(a, follower)
		assert.Error(t, err, name)
	}
	a, b := pipe()
	done := make(chan error, 1)
	go func() {
		g, err := greet(b, follower)
		if err == nil {
			err = g.await()
		}
		done <- err
	}()
	g, err := greet(a, leader)
	require.NoError(t, err)
	require.NoError(t, g.claim())
	require.NoError(t, <-done)
}
