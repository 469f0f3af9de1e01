package turn

import (
	"bufio"
	"bytes"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

var fuzzPeer = netip.MustParseAddrPort("198.18.13.3:40000")

func seeds() [][]byte {
	return [][]byte{
		nil, {0x40, 0, 0, 4, 1, 2, 3, 4}, {0x7f, 0xff, 0xff, 0xff}, []byte("GET / HTTP/1.1\r\n\r\n"),
		appendData(nil, sendIndication, [12]byte{1}, fuzzPeer, []byte("hello")),
		appendData(nil, dataIndication, [12]byte{}, netip.MustParseAddrPort("[2001:db8::1]:9"), nil),
		stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.Fingerprint).Raw,
		stun.MustBuild(request0(stun.MethodAllocate, udpTransport, stun.NewUsername("alice"), stun.NewRealm(DefaultRealm), stun.NewNonce("x"), stun.NewLongTermIntegrity("alice", DefaultRealm, "wonderland"))...).Raw,
		stun.MustBuild(request0(stun.MethodChannelBind, channelAttr(0x4000), somebody)...).Raw,
	}
}

// What is read as an indication is what would be written as one.
func FuzzParseData(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if checkHeader(b) != nil {
			return
		}
		peer, data, err := parseData(b)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(data), len(b))
		require.False(t, peer.Addr().Is4In6())
		again := appendData(nil, sendIndication, [12]byte(b[8:stunHeader]), peer, data)
		require.NoError(t, checkHeader(again))
		peer2, data2, err := parseData(again)
		require.NoError(t, err)
		require.Equal(t, peer, peer2)
		require.True(t, bytes.Equal(data, data2))
	})
}

func FuzzParseChannelData(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		number, data, err := parseChannelData(b)
		if err != nil || !isChannelData(b) {
			return
		}
		require.GreaterOrEqual(t, number, uint16(firstChannel))
		require.LessOrEqual(t, number, uint16(lastChannel))
		require.LessOrEqual(t, len(data)+channelHeader, len(b))
		require.Less(t, len(b)-len(data)-channelHeader, 4)
	})
}

// A stream ends, whatever is in it, and its frames are no longer than what was sent.
func FuzzReadFrame(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, sum := bufio.NewReader(bytes.NewReader(b)), 0
		for {
			frame, err := readFrame(r)
			if err != nil {
				break
			}
			require.NotEmpty(t, frame)
			if sum += len(frame); isChannelData(frame) {
				continue
			}
			require.NoError(t, checkHeader(frame))
		}
		require.LessOrEqual(t, sum, len(b))
	})
}

// Whatever a stranger sends, nothing is carried, nothing is granted, and an answer is an
// error response.
func FuzzStranger(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b)
	}
	config := DefaultConfig()
	config.Users = NewUsers(DefaultRealm)
	require.NoError(f, config.Users.Add("alice:wonderland"))
	s := &Server{config: config, journal: &journal{events: node.NewEvents(io.Discard, node.Text)}, table: newTable(), nonces: newNonces(), sources: newSources(1 << 30)}
	f.Fuzz(func(t *testing.T, b []byte) {
		side := &fakeSide{clients: newClients(s)}
		from := flow{fuzzPeer, netip.MustParseAddrPort("198.18.13.20:3478")}
		if isChannelData(b) {
			if number, data, err := parseChannelData(b); err == nil {
				side.channelData(from, number, data)
			}
		} else if checkHeader(b) == nil {
			side.message(side, from, b)
		}
		select {
		case r := <-side.queue:
			c := &control{relay: s, side: side, at: &r}
			if n := c.admit(&r, make([]byte, maxRequest+1)); n > 0 {
				require.Equal(t, stun.MethodBinding, r.message.Type.Method, "not authentic")
			}
		default:
		}
		for _, answer := range side.sent {
			m := &stun.Message{Raw: answer}
			require.NoError(t, m.Decode())
			require.Equal(t, stun.ClassErrorResponse, m.Type.Class)
			require.Equal(t, b[8:stunHeader], m.TransactionID[:])
		}
	})
}

// fakeSide keeps what is sent.
type fakeSide struct {
	clients
	sent [][]byte
}

func (*fakeSide) protocol() string     { return "udp" }
func (*fakeSide) addr() netip.AddrPort { return netip.AddrPort{} }
func (s *fakeSide) send(_ flow, b []byte) error {
	s.sent = append(s.sent, b)
	return nil
}

func FuzzUsers(f *testing.F) {
	f.Add("# users\nalice:wonderland\n\nbob:a:b\n")
	f.Fuzz(func(t *testing.T, text string) {
		u := NewUsers(DefaultRealm)
		if u.Read(strings.NewReader(text)) == nil && !u.Empty() {
			for name := range u.entries {
				_, _, ok := u.find(name, time.Now())
				require.True(t, ok)
			}
		}
	})
}
