package rendezvous

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var transports = []string{"udp", "tcp"}

// pair lets two clients meet.
func pair(t *testing.T, r *running, transport, secret string) (a, b *client) {
	t.Helper()
	a, b = r.dial(t, transport, secret), r.dial(t, transport, secret)
	a.request(t)
	a.until(t, "a waits", anything)
	require.Nil(t, a.Status().Peer)
	b.request(t)
	b.until(t, "b meets a", func(s Status) bool { return s.Peer != nil })
	a.until(t, "a meets b", peerTold)
	b.until(t, "b knows that a knows", peerTold)
	return a, b
}

func TestTwoMeet(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			r := start(t, nil)
			a, b := pair(t, r, transport, "secret")
			assert.Equal(t, a.local(), a.Observed())
			assert.Equal(t, b.local(), a.Status().Peer.Observed)
			assert.Equal(t, a.local(), b.Status().Peer.Observed)
			assert.Equal(t, b.Nonce(), a.Status().Peer.Nonce)
			assert.Equal(t, "note of secret", string(a.Status().Peer.Note))
			assert.Equal(t, "[10.0.0.1:1]", sprint(a.Status().Peer.Own))

			keyA, err := a.token.PeerKey(a.Nonce(), a.Status().Peer.Nonce)
			require.NoError(t, err)
			keyB, err := b.token.PeerKey(b.Nonce(), b.Status().Peer.Nonce)
			require.NoError(t, err)
			assert.Equal(t, keyA, keyB)
		})
	}
}

func TestVerdicts(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			r := start(t, nil)
			a, b := pair(t, r, transport, "one finds a path after the other gave up")
			a.Set(StateFailed)
			a.request(t)
			b.until(t, "b hears", func(s Status) bool { return s.Peer.State == StateFailed })
			assert.Equal(t, Undecided, b.Status().Decision)
			b.Set(StateDirect)
			b.request(t)
			b.until(t, "b", decided(Direct))
			a.until(t, "a", decided(Direct))

			a, b = pair(t, r, transport, "neither finds one")
			a.Set(StateFailed)
			a.request(t)
			b.Set(StateFailed)
			b.request(t)
			a.until(t, "a", decided(NotDirect))
			b.until(t, "b", decided(NotDirect))
			// What comes about afterwards does not change the word.
			a.Set(StateDirect)
			a.request(t)
			b.until(t, "b", func(s Status) bool { return s.Peer.State == StateDirect })
			assert.Equal(t, NotDirect, b.Status().Decision)
		})
	}
}

func TestOneLeaves(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			r := start(t, nil)
			a, b := pair(t, r, transport, "secret")
			a.Set(StateLeft)
			a.request(t)
			a.until(t, "a knows that it has left", func(Status) bool { return a.Known() })
			b.until(t, "b hears", peerLeft)
			// A refresh does not take the token again.
			b.request(t)
			b.until(t, "b hears again", peerLeft)
			pair(t, r, transport, "secret")
		})
	}
}

func TestOneVanishes(t *testing.T) {
	r := start(t, nil)
	a, b := pair(t, r, "tcp", "secret")
	require.NoError(t, a.c.Close())
	b.until(t, "b hears", peerLeft)
	r.log.Wait(t, "gone       "+a.local().String()+" hung up\n")
	pair(t, r, "tcp", "secret")
}
