package rendezvous

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func sprint(v any) string { return fmt.Sprint(v) }

func TestAThirdClientIsRefused(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			r := start(t, nil)
			a, b := pair(t, r, transport, "secret")
			c := r.dial(t, transport, "secret")
			assert.Equal(t, ReasonInUse, c.refused(t))
			r.log.Wait(t, "the token is in use by two others")
			// The two go on.
			a.Set(StateDirect)
			a.request(t)
			b.until(t, "b", decided(Direct))
		})
	}
}

// TestIntruders: what each gets that is no proper registration. The meeting that is
// going on is never disturbed.
func TestIntruders(t *testing.T) {
	type attack struct {
		name string
		// bytes are made of a recorded registration of a client who waits.
		bytes func(recorded []byte, eve *client) []byte
		udp   string // what comes back
		tcp   string
	}
	eveSigns := func(m *Register, eve *client) []byte {
		return m.sign(eve.transaction, eve.token.private)
	}
	parsed := func(b []byte) *Register {
		_, m, err := Parse(b)
		require.NoError(t, err)
		return m.(*Register)
	}
	for _, a := range []attack{
		{"a recorded registration from elsewhere", func(b []byte, _ *client) []byte { return b }, "challenge", "challenge"},
		{"a recorded registration with a fresh cookie", func(b []byte, eve *client) []byte {
			m := parsed(b)
			out := bytes.Clone(b)
			fresh := eve.cookieFor(t, m.ID)
			copy(out[headerSize+len(m.ID):], fresh[:])
			return out
		}, ReasonForged.String(), ReasonForged.String()},
		{"a registration with the key of another token", func(b []byte, eve *client) []byte {
			m := parsed(b)
			m.Cookie = eve.cookieFor(t, m.ID)
			return eveSigns(m, eve)
		}, ReasonForged.String(), ReasonForged.String()},
		{"leaving in the name of a client", func(b []byte, eve *client) []byte {
			m := parsed(b)
			m.State = StateLeft
			m.Cookie = eve.cookieFor(t, m.ID)
			return eveSigns(m, eve)
		}, ReasonForged.String(), ReasonForged.String()},
		{"a server's message", func([]byte, *client) []byte {
			return Append(nil, Transaction{}, &Status{})
		}, "nothing", ReasonMalformed.String()},
		{"too long by one", func(b []byte, _ *client) []byte { return append(bytes.Clone(b), 0) }, "nothing", "challenge"},
		{"cut by one", func(b []byte, _ *client) []byte { return b[:len(b)-1] }, "nothing", "closed"},
		{"a length of 65535", func(b []byte, _ *client) []byte {
			b = bytes.Clone(b)
			binary.BigEndian.PutUint16(b[6:], 65535)
			return b
		}, "nothing", ReasonMalformed.String()},
		{"a datagram of 65507 bytes", func(b []byte, _ *client) []byte {
			b = append(bytes.Clone(b), make([]byte, 65507-len(b))...)
			binary.BigEndian.PutUint16(b[6:], uint16(65507-headerSize))
			return b
		}, "nothing", ReasonMalformed.String()},
		{"a note longer than it says it may be", func(b []byte, eve *client) []byte {
			m := parsed(b)
			m.Note = make([]byte, MaxNote+1)
			return eveSigns(m, eve)
		}, "nothing", ReasonMalformed.String()},
		{"an unknown type", func(b []byte, _ *client) []byte { b = bytes.Clone(b); b[4] = 77; return b }, "nothing", ReasonMalformed.String()},
	} {
		for _, transport := range transports {
			t.Run(a.name+" over "+transport, func(t *testing.T) {
				r := start(t, func(c *Config) { c.HalfOpen = 200 * time.Millisecond })
				alice := r.dial(t, transport, "secret")
				alice.request(t)
				alice.until(t, "alice waits", anything)
				recorded := alice.message()

				eve := r.dial(t, transport, "eve's own")
				b := a.bytes(recorded, eve)
				eve.write(t, b)
				want := a.udp
				if transport == "tcp" {
					want = a.tcp
				}
				assert.Equal(t, want, eve.verdict(t, r, transport))

				bob := r.dial(t, transport, "secret")
				bob.request(t)
				bob.until(t, "bob meets alice", func(s Status) bool { return s.Peer != nil })
				assert.Equal(t, alice.Nonce(), bob.Status().Peer.Nonce)
				alice.until(t, "alice meets bob", peerTold)
				assert.Equal(t, bob.local(), alice.Status().Peer.Observed)
			})
		}
	}
}

// verdict is what comes back: "nothing" if a later question is answered first.
func (c *client) verdict(t testing.TB, r *running, transport string) string {
	t.Helper()
	if transport == "udp" {
		// A question of its own, which is answered.
		after := NewTransaction()
		c.write(t, Append(nil, after, &Hello{ID: c.token.ID}))
		got, m, err := Parse(c.read(t))
		require.NoError(t, err)
		if got == after {
			return "nothing"
		}
		return nameOf(m)
	}
	b, err := ReadMessage(c.c)
	if err != nil {
		return "closed"
	}
	_, m, err := Parse(b)
	require.NoError(t, err)
	return nameOf(m)
}

func nameOf(m Message) string {
	switch m := m.(type) {
	case *Challenge:
		return "challenge"
	case *Refused:
		return m.Reason.String()
	}
	return fmt.Sprintf("%T", m)
}

// cookieFor asks for a cookie for a meeting that is none of its own.
func (c *client) cookieFor(t testing.TB, id ID) Cookie {
	t.Helper()
	c.write(t, Append(nil, c.transaction, &Hello{ID: id}))
	_, m, err := Parse(c.read(t))
	require.NoError(t, err)
	return m.(*Challenge).Cookie
}
