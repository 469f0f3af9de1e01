package tunnel

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

var anywhere = Forward{Publication: Publication{Protocol: TCP, Port: 9}}

func TestWrongTokenIsRefused(t *testing.T) {
	r := startRelay(t, relayOptions())
	f := to(t, TCP, nodetest.Listen(t).Addr())
	o := clientOptions(r.Addr(), f)
	o.Token = []byte("another token")
	err := refusedWith(t, o)
	assert.EqualError(t, err, "tunnel: refused by "+r.Addr().String()+": wrong token")
	r.log.Wait(t, ": wrong token")

	for range wrongTokens {
		err = refusedWith(t, o)
	}
	assert.ErrorContains(t, err, "too many wrong tokens from 127.0.0.1; come again in ")
	r.log.Wait(t, "too many wrong tokens")
	// The right one does not help now: else guessing would go on.
	assert.ErrorContains(t, refusedWith(t, clientOptions(r.Addr(), f)), "too many wrong tokens")
}

func TestPortThatIsNotAllowedIsRefused(t *testing.T) {
	o := relayOptions()
	var err error
	o.Allowed, err = ParsePorts("8000-8099,udp:53")
	require.NoError(t, err)
	r := startRelay(t, o)
	err = refusedWith(t, clientOptions(r.Addr(), anywhere))
	assert.ErrorContains(t, err, "tcp 9 is not among the ports that this relay publishes: 8000-8099,udp:53")
}

func TestPortOfTheRelayItselfIsRefused(t *testing.T) {
	r := startRelay(t, relayOptions())
	f := anywhere
	f.Port = r.Addr().Port()
	err := refusedWith(t, clientOptions(r.Addr(), f))
	assert.ErrorContains(t, err, "bind: EADDRINUSE (98) address already in use: tcp "+r.Addr().String())
	// The other port of the same request is not kept.
	g := to(t, TCP, nodetest.Listen(t).Addr())
	refusedWith(t, clientOptions(r.Addr(), g, f))
	startClient(t, clientOptions(r.Addr(), g))
}

func TestWhatIsNoRelayIsRefused(t *testing.T) {
	l := nodetest.Listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2p1\r\n")
			c.Close()
		}
	}()
	a := l.Addr().(*net.TCPAddr).AddrPort()
	err := refusedWith(t, clientOptions(a, anywhere))
	assert.ErrorContains(t, err, "this is not a relay tunnel: "+a.String())
}

func TestRelayWithoutTheTokenIsRefused(t *testing.T) {
	// It answers what it likes, and does not look at the proof.
	l := nodetest.Listen(t)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = writeMessage(c, encodeChallenge(newNonce()))
		_, _ = readMessage(c, maxRequestSize)
		_ = writeMessage(c, encodeAnswer(answer{at: netip.MustParseAddr("127.0.0.1")}))
		_, _ = io.Copy(io.Discard, c)
	}()
	a := l.Addr().(*net.TCPAddr).AddrPort()
	assert.ErrorContains(t, refusedWith(t, clientOptions(a, anywhere)), "it does not have the token")
}

func TestReplayedProofIsRefused(t *testing.T) {
	r := startRelay(t, relayOptions())
	f := to(t, TCP, nodetest.Listen(t).Addr())
	shake := func(said []byte) (challenge nonce, a answer) {
		c, err := net.Dial("tcp", r.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		b, err := readMessage(c, challengeSize)
		require.NoError(t, err)
		challenge, err = decodeChallenge(b)
		require.NoError(t, err)
		if said == nil {
			q := request{nonce: newNonce(), ports: []Publication{f.Publication}}
			q.proof = prove([]byte(secret), clientSide, challenge, q.nonce, q.ports)
			said = encodeRequest(q)
		}
		require.NoError(t, writeMessage(c, said))
		b, err = readMessage(c, maxAnswerSize)
		require.NoError(t, err)
		a, err = decodeAnswer(b)
		require.NoError(t, err)
		return challenge, a
	}
	old, a := shake(nil)
	require.Equal(t, granted, a.status)
	q := request{nonce: newNonce(), ports: []Publication{f.Publication}}
	q.proof = prove([]byte(secret), clientSide, old, q.nonce, q.ports)
	_, a = shake(encodeRequest(q))
	assert.Equal(t, badToken, a.status)
}

func TestSilentOnesAreFewAndForgotten(t *testing.T) {
	r := startRelay(t, relayOptions())
	var silent []net.Conn
	for range maxHalfOpenOfASource {
		c, err := net.Dial("tcp", r.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		_, err = readMessage(c, challengeSize)
		require.NoError(t, err)
		silent = append(silent, c)
	}
	dialReset(t, r.Addr().String())
	// Those who say nothing are gone after the limit, and others have their place.
	_, err := silent[0].Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	startClient(t, clientOptions(r.Addr(), to(t, TCP, nodetest.Listen(t).Addr())))
}

func TestGuesses(t *testing.T) {
	g := newGuesses()
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8:1:2::3")
	now := time.Now()
	for range wrongTokens {
		require.Zero(t, g.blocked(a, now))
		g.wrong(a, now)
	}
	assert.Equal(t, tokenRest, g.blocked(a, now))
	assert.Equal(t, time.Second, g.blocked(a, now.Add(tokenRest-time.Second)))
	assert.Zero(t, g.blocked(a, now.Add(tokenRest)))
	assert.Zero(t, g.blocked(b, now))
	// A /64 is one source.
	for range wrongTokens {
		g.wrong(b, now)
	}
	assert.NotZero(t, g.blocked(netip.MustParseAddr("2001:db8:1:2:ffff::1"), now))
	assert.Zero(t, g.blocked(netip.MustParseAddr("2001:db8:1:3::1"), now))
	// Many sources take no more than so much memory.
	for i := range 2 * maxSources {
		g.wrong(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	assert.LessOrEqual(t, len(g.sources), maxSources)
}
