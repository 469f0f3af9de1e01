package portmap

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

func TestALeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k, log := fakeServer()
		k.static(t, "tcp:198.18.16.2:8080=10.16.1.10:80")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.leases.run(ctx) }()
		_, err := s.leases.grant(wishFor(hostA, 50007))
		require.NoError(t, err)
		short := wishFor(hostA2, 50008)
		short.lifetime = 5 * time.Second
		_, err = s.leases.grant(short)
		require.NoError(t, err)
		assert.Len(t, k.forwards(), 3)

		time.Sleep(5 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"tcp:198.18.16.2:8080=10.16.1.10:80", "tcp:198.18.16.2:50007=10.16.1.10:50007"}, k.forwards())
		assert.Contains(t, log.String(), "expired    tcp 10.16.1.11:50008 -> 198.18.16.2:50008\n")

		// A renewal at 5 s moves the end from 60 s to 65 s.
		_, err = s.leases.grant(wishFor(hostA, 50007))
		require.NoError(t, err)
		time.Sleep(time.Minute - time.Second)
		synctest.Wait()
		assert.Len(t, k.forwards(), 2)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"tcp:198.18.16.2:8080=10.16.1.10:80"}, k.forwards())
		cancel()
		require.NoError(t, <-done)
	})
}

func TestALeaseThatCannotEndIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k, _ := fakeServer()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.leases.run(ctx) }()
		_, err := s.leases.grant(wishFor(hostA, 50007))
		require.NoError(t, err)
		k.setBroken(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Len(t, k.forwards(), 1)
		k.setBroken(false)
		time.Sleep(retry)
		synctest.Wait()
		assert.Empty(t, k.forwards())
		cancel()
		require.NoError(t, <-done)
	})
}

func TestLifetimesHaveBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := fakeServer()
		w := wishFor(hostA, 50007)
		w.lifetime = 1000 * time.Hour
		l, err := s.leases.grant(w)
		require.NoError(t, err)
		assert.EqualValues(t, 24*60*60, l.left(time.Now()))
	})
}

func TestResetForgetsLeasesAndBeginsAnEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k, _ := fakeServer()
		k.static(t, "tcp:198.18.16.2:8080=10.16.1.10:80")
		_, err := s.leases.grant(wishFor(hostA, 50007))
		require.NoError(t, err)
		time.Sleep(30 * time.Second)
		assert.EqualValues(t, 30, s.leases.seconds())
		require.NoError(t, s.leases.reset())
		assert.Zero(t, s.leases.seconds())
		assert.Equal(t, []string{"tcp:198.18.16.2:8080=10.16.1.10:80"}, k.forwards(), "the owner's forward stays")
	})
}

func TestAForwardOfTheOwnersIsNotForHosts(t *testing.T) {
	s, k, _ := fakeServer()
	k.static(t, "tcp:198.18.16.2:8080=10.16.1.10:80")
	_, err := s.leases.grant(wishFor(hostA, 80))
	require.ErrorIs(t, err, errNotAuthorized)
	require.ErrorIs(t, s.leases.end(nat.TCP, netip.AddrPortFrom(hostA, 80), owner{}), errNotAuthorized)
	assert.Len(t, k.forwards(), 1)
}

func TestAHostHasItsShare(t *testing.T) {
	s, _, _ := fakeServer()
	for i := range mostPerHost {
		_, err := s.leases.grant(wishFor(hostA, uint16(2000+i)))
		require.NoError(t, err)
	}
	_, err := s.leases.grant(wishFor(hostA, 5000))
	require.ErrorIs(t, err, errQuota)
	_, err = s.leases.grant(wishFor(hostA, 2000))
	require.NoError(t, err, "renewing needs no room")
	_, err = s.leases.grant(wishFor(hostA2, 5000))
	require.NoError(t, err, "the neighbour has a share of its own")
}

func TestChoosePort(t *testing.T) {
	other := nat.Entry{Protocol: nat.TCP, Inside: netip.AddrPortFrom(hostA2, 7), Outside: netip.AddrPortFrom(outside, 50007)}
	own := nat.Entry{Protocol: nat.TCP, Inside: netip.AddrPortFrom(hostA, 50007), Outside: netip.AddrPortFrom(outside, 61000)}
	udp := nat.Entry{Protocol: nat.UDP, Inside: netip.AddrPortFrom(hostA2, 7), Outside: netip.AddrPortFrom(outside, 50007), Forward: true}
	for name, c := range map[string]struct {
		suggested uint16
		exact     bool
		mappings  []nat.Entry
		want      uint16 // 0: another than these
		err       error
	}{
		"the same as inside":               {0, false, nil, 50007, nil},
		"as suggested":                     {8080, false, nil, 8080, nil},
		"a low one only by permission":     {80, false, nil, 50007, nil},
		"a taken one gives another":        {0, false, []nat.Entry{other}, 0, nil},
		"or the inside one":                {50007, false, []nat.Entry{other}, 0, nil},
		"what the host has already":        {8080, false, []nat.Entry{own}, 61000, nil},
		"not the neighbour's other half":   {0, false, []nat.Entry{udp}, 0, nil},
		"exactly one that is taken":        {50007, true, []nat.Entry{other}, 0, errTaken},
		"exactly a low one":                {80, true, nil, 0, errLowPort},
		"exactly the other protocol's one": {50007, true, []nat.Entry{udp}, 50007, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := wishFor(hostA, 50007)
			w.outside, w.exact = c.suggested, c.exact
			got, err := choosePort(w, firstPort, c.mappings)
			require.ErrorIs(t, err, c.err)
			if c.err != nil || c.want != 0 {
				assert.Equal(t, c.want, got)
				return
			}
			assert.NotEqual(t, uint16(50007), got)
			assert.GreaterOrEqual(t, got, uint16(firstPort))
		})
	}
}

func TestNoPortIsLeft(t *testing.T) {
	_, err := anyPort(func(uint16) bool { return false })
	require.ErrorIs(t, err, errNoResources)
	port, err := anyPort(func(p uint16) bool { return p == 65535 })
	require.NoError(t, err)
	assert.EqualValues(t, 65535, port)
}
