package nat

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// eventually waits for a condition to hold.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		require.True(tb, time.Now().Before(deadline), what)
	}
}

// until waits for the NAT to be in a state.
func (l *lab) until(tb testing.TB, what string, is func(State) bool) {
	tb.Helper()
	eventually(tb, what, func() bool { return is(l.state(tb)) })
}

// state reads the NAT's state.
func (l *lab) state(tb testing.TB) State {
	tb.Helper()
	s, err := l.Show()
	require.NoError(tb, err)
	return s
}

// refuses says that the NAT drops what send sends, and that nothing arrives.
func (l *lab) refuses(tb testing.TB, at *net.UDPConn, send func()) {
	tb.Helper()
	before := l.state(tb).Counters.Refused
	send()
	l.until(tb, "the packet is refused", func(s State) bool { return s.Counters.Refused == before+1 })
	text, _, err := read(at, -time.Second)
	require.ErrorIs(tb, err, os.ErrDeadlineExceeded, "arrived: %q", text)
}

// mapping finds the mapping of an inside endpoint, towards a remote where the kind
// depends on one.
func (s State) mapping(p Protocol, inside netip.AddrPort, remote netip.Addr) (Entry, bool) {
	for _, e := range s.Mappings {
		if e.Protocol == p && e.Inside == inside && (!e.Remote.Addr().IsValid() || e.Remote.Addr() == remote) {
			return e, true
		}
	}
	return Entry{}, false
}
