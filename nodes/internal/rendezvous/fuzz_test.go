package rendezvous

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// samples is a message of each type, the longest there are among them.
func samples(t testing.TB) []Message {
	own := make([]netip.AddrPort, MaxOwn)
	for i := range own {
		own[i] = netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), uint16(65535-i))
	}
	note := []byte(strings.Repeat("n", MaxNote))
	k := token(t, "secret", PunchUDP)
	return []Message{
		&Hello{ID: k.ID},
		&Challenge{Cookie{1}, netip.MustParseAddrPort("198.18.11.2:4000")},
		&Challenge{Cookie{1}, netip.MustParseAddrPort("[2001:db8::1]:65535")},
		&Register{ID: k.ID, Nonce: Nonce{2}, State: StateFailed, Own: own, Note: note},
		&Status{Observed: netip.MustParseAddrPort("198.18.11.2:4000")},
		&Status{Lifetime: 10 * time.Second, Decision: Direct, Peer: &Peer{Nonce: Nonce{3}, State: StateLeft, Observed: own[0], Own: own, Note: note}},
		&Refused{ReasonInUse},
	}
}

func TestMessagesFit(t *testing.T) {
	for _, m := range samples(t) {
		b := Append(nil, NewTransaction(), m)
		assert.LessOrEqual(t, len(b), MaxMessage)
		switch m.(type) {
		case *Challenge, *Refused:
			assert.LessOrEqual(t, len(b), helloSize, "an answer is no longer than its question")
		case *Hello:
			assert.Len(t, b, helloSize)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, m := range samples(f) {
		f.Add(Append(nil, Transaction{1, 2, 3}, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		transaction, m, err := Parse(b)
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			return
		}
		again := Append(nil, transaction, m)
		_, second, err := Parse(again)
		require.NoError(t, err)
		if r, ok := m.(*Register); ok {
			r.signed, second.(*Register).signed = nil, nil
		}
		require.Equal(t, m, second)
	})
}

func FuzzReadMessage(f *testing.F) {
	for _, m := range samples(f) {
		f.Add(string(Append(nil, Transaction{1, 2, 3}, m)))
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ReadMessage(strings.NewReader(s))
		if err == nil {
			require.LessOrEqual(t, len(b), MaxMessage)
			require.True(t, strings.HasPrefix(s, string(b)))
		}
	})
}

// FuzzGuest: nothing that comes to a client makes it fail but a refusal.
func FuzzGuest(f *testing.F) {
	for _, m := range samples(f) {
		f.Add(Append(nil, Transaction{1, 2, 3}, m))
	}
	k := token(f, "secret", PunchUDP)
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := NewGuest(k, nil, nil)
		require.NoError(t, err)
		g.transaction = Transaction{1, 2, 3}
		if _, err := g.Receive(b); err != nil {
			var refused *RefusedError
			require.ErrorAs(t, err, &refused)
		}
	})
}
