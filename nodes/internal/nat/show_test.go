package nat

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestShow(t *testing.T) {
	l := newLab(t)
	_, err := l.Show()
	require.ErrorIs(t, err, ErrNone)

	for m := range Mapping(3) {
		t.Run(m.String(), func(t *testing.T) {
			c := config()
			c.Mapping = m
			c.Forwards = []Forward{{TCP, netip.AddrPortFrom(wan, 8080), netip.AddrPortFrom(insideAddr[1], 80)}}
			l.apply(t, c)
			in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
			remote := listenUDP(t, l.outside, remoteAddr(0, 0))
			outside := observe(t, in, remote)

			s, err := l.Show()
			require.NoError(t, err)
			require.Len(t, s.Mappings, 2)
			e := s.Mappings[0]
			assert.InDelta(t, 5*time.Minute, time.Duration(e.Left), float64(2*time.Second))
			e.Left = 0
			want := Entry{Protocol: UDP, Inside: addrOf(in), Outside: outside}
			switch m {
			case MapAddressDependent:
				want.Remote = netip.AddrPortFrom(outsideAddr[0], 0)
			case MapAddressAndPortDependent:
				want.Remote = remoteAddr(0, 0)
			}
			assert.Equal(t, want, e)
			assert.Equal(t, Entry{Protocol: TCP, Inside: netip.AddrPortFrom(insideAddr[1], 80), Outside: netip.AddrPortFrom(wan, 8080), Forward: true}, s.Mappings[1])

			text, err := json.Marshal(s)
			require.NoError(t, err)
			var back State
			require.NoError(t, json.Unmarshal(text, &back))
			assert.Equal(t, s.Config, back.Config)
		})
	}
}

// Flush is a restart: the mappings and the flows are gone, the forwards stay.
func TestFlush(t *testing.T) {
	l := newLab(t)
	c := config()
	c.Forwards = []Forward{{UDP, netip.AddrPortFrom(wan, 5000), netip.AddrPortFrom(insideAddr[1], 5001)}}
	l.apply(t, c)
	in := listenUDP(t, l.inside[0], netip.AddrPortFrom(insideAddr[0], 4000))
	forwarded := listenUDP(t, l.inside[1], netip.AddrPortFrom(insideAddr[1], 5001))
	remote := listenUDP(t, l.outside, remoteAddr(0, 0))
	before := observe(t, in, remote)
	send(t, remote, before, "answer")
	receive(t, in)

	require.NoError(t, l.Flush())
	s, err := l.Show()
	require.NoError(t, err)
	require.Len(t, s.Mappings, 1, "the forward")
	refused := s.Counters.Refused
	send(t, remote, before, "too late")
	send(t, remote, netip.AddrPortFrom(wan, 5000), "forwarded")
	text, _ := receive(t, forwarded)
	assert.Equal(t, "forwarded", text)
	s, err = l.Show()
	require.NoError(t, err)
	assert.Equal(t, refused+1, s.Counters.Refused)
}
