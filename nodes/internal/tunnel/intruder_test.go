package tunnel

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hashicorp/yamux"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// These have the token, and do not keep to the protocol.

// attachBy does a client's handshake by hand and returns its session.
func attachBy(t *testing.T, r *testRelay, ports ...Publication) *yamux.Session {
	t.Helper()
	c, err := net.Dial("tcp", r.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	b, err := readMessage(c, challengeSize)
	require.NoError(t, err)
	challenge, err := decodeChallenge(b)
	require.NoError(t, err)
	q := request{nonce: newNonce(), ports: ports}
	q.proof = prove([]byte(secret), clientSide, challenge, q.nonce, q.ports)
	require.NoError(t, writeMessage(c, encodeRequest(q)))
	b, err = readMessage(c, maxAnswerSize)
	require.NoError(t, err)
	a, err := decodeAnswer(b)
	require.NoError(t, err)
	require.Equal(t, granted, a.status, a.text)
	require.NoError(t, c.SetDeadline(time.Time{}))
	s, err := startSession(c, clientSide, defaultKeepalive, defaultLineTimeout)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestClientThatOpensStreamsGetsNone(t *testing.T) {
	r := startRelay(t, relayOptions())
	s := attachBy(t, r, Publication{TCP, nodetest.FreePort(t)})
	for range 1000 {
		stream, err := s.OpenStream()
		require.NoError(t, err)
		_, err = stream.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		stream.Close()
	}
}

func TestClientThatSaysNonsenseInAStream(t *testing.T) {
	for name, said := range map[string][]byte{
		"a frame cut short":  {0, 0, 0, 9, 1},
		"nothing":            {},
		"no such errno":      {0xff, 0xff},
		"data after its FIN": {0, 0, 0, 0, 0, 1, 'x'},
	} {
		t.Run(name, func(t *testing.T) {
			r := startRelay(t, relayOptions())
			f := Forward{Publication: Publication{TCP, nodetest.FreePort(t)}}
			s := attachBy(t, r, f.Publication)
			outside := dialTCP(t, f)
			stream, err := s.AcceptStream()
			require.NoError(t, err)
			o, err := readOpening(stream)
			require.NoError(t, err)
			assert.Equal(t, outside.LocalAddr().String(), o.source.String())
			_, err = stream.Write(said)
			require.NoError(t, err)
			require.NoError(t, stream.Close())
			// By an RST, and nothing that was not said is heard.
			b, err := io.ReadAll(outside)
			if err == nil { // the FIN came first
				_, err = outside.Write([]byte("x"))
				for err == nil {
					_, err = outside.Write([]byte("x"))
				}
			}
			assert.Error(t, err)
			assert.Empty(t, b)
			r.log.Wait(t, "closed     tcp")
			// The next is served as before.
			dialTCP(t, f)
			_, err = s.AcceptStream()
			require.NoError(t, err)
		})
	}
}

// badRelay grants what is asked for, and opens streams as it likes.
func badRelay(t *testing.T) (at netip.AddrPort, sessions <-chan *yamux.Session) {
	l := nodetest.Listen(t)
	out := make(chan *yamux.Session, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		challenge := newNonce()
		_ = writeMessage(c, encodeChallenge(challenge))
		b, _ := readMessage(c, maxRequestSize)
		q, err := decodeRequest(b)
		if err != nil {
			return
		}
		granting := answer{at: netip.MustParseAddr("127.0.0.1"), proof: prove([]byte(secret), relaySide, challenge, q.nonce, q.ports)}
		_ = writeMessage(c, encodeAnswer(granting))
		s, err := startSession(c, relaySide, defaultKeepalive, defaultLineTimeout)
		if err == nil {
			t.Cleanup(func() { s.Close() })
			out <- s
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort(), out
}

func TestRelayReachesOnlyWhatIsPublished(t *testing.T) {
	target, other := nodetest.Listen(t), nodetest.Listen(t)
	f := to(t, TCP, target.Addr())
	at, sessions := badRelay(t)
	startClient(t, clientOptions(at, f))
	s := <-sessions
	caller := netip.MustParseAddrPort("192.0.2.1:1")
	port := other.Addr().(*net.TCPAddr).AddrPort().Port()
	for name, said := range map[string][]byte{
		"another port":     encodeOpening(opening{Publication: Publication{TCP, port}, source: caller, dialed: at}),
		"another protocol": encodeOpening(opening{Publication: Publication{UDP, f.Port}, source: caller, dialed: at}),
		"no protocol":      encodeOpening(opening{Publication: Publication{0, f.Port}, source: caller, dialed: at}),
		"no opening":       {0},
		"a long one":       append([]byte{255}, make([]byte, 255)...),
	} {
		t.Run(name, func(t *testing.T) {
			stream, err := s.OpenStream()
			require.NoError(t, err)
			_, err = stream.Write(said)
			require.NoError(t, err)
			require.NoError(t, stream.SetReadDeadline(time.Now().Add(patience)))
			_, err = stream.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
			stream.Close()
		})
	}
	require.NoError(t, other.SetDeadline(time.Now()))
	_, err := other.Accept()
	require.Error(t, err, "nobody has called there")
	// And what is published works.
	stream, err := s.OpenStream()
	require.NoError(t, err)
	_, err = stream.Write(encodeOpening(opening{Publication: f.Publication, source: caller, dialed: at}))
	require.NoError(t, err)
	require.NoError(t, readConnected(stream))
	nodetest.Accept(t, target)
}

func TestMoreClientsThanTheMostAreRefused(t *testing.T) {
	r := startRelay(t, relayOptions())
	for range maxClients {
		r.clients <- struct{}{}
	}
	err := refusedWith(t, clientOptions(r.Addr(), to(t, TCP, nodetest.Listen(t).Addr())))
	assert.ErrorContains(t, err, "64 clients are here already")
}
