package turn

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTalkThroughTheRelay(t *testing.T) {
	both(t, func(t *testing.T, tcp bool) {
		s := startServer(t, testConfig(t))
		c, g := s.alice(t, tcp)
		assert.Equal(t, c.LocalAddr(), g.Observed)
		assert.Equal(t, 10*time.Minute, g.Lifetime)
		assert.GreaterOrEqual(t, g.Relayed.Port(), uint16(49152))

		h := newHost(t)
		h.send(g.Relayed, "without a permission")
		s.log.Wait(t, h.at().String()+" -> "+g.Relayed.String()+": no permission")

		require.NoError(t, c.Permit(t.Context(), h.at()))
		_, err := c.Send(h.at(), []byte("by indication"))
		require.NoError(t, err)
		h.receive("by indication", g.Relayed)
		h.send(g.Relayed, "back")
		assert.Equal(t, Datagram{Peer: h.at(), Data: []byte("back")}, receive(t, c))

		require.NoError(t, c.Bind(t.Context(), 0x4001, h.at()))
		for _, text := range []string{"", "a", "by channel", strings.Repeat("x", 9000), strings.Repeat("y", 60000)} {
			_, err = c.Send(h.at(), []byte(text))
			require.NoError(t, err)
			h.receive(text, g.Relayed)
			h.send(g.Relayed, text)
			d := receive(t, c)
			assert.Equal(t, text, string(d.Data))
			assert.Equal(t, uint16(0x4001), d.Channel)
		}

		lifetime, err := c.Refresh(t.Context(), 2*time.Hour)
		require.NoError(t, err)
		assert.LessOrEqual(t, lifetime, time.Hour)
		require.NoError(t, c.Release(t.Context()))
		s.log.Wait(t, "released by the client")
		err = c.Permit(t.Context(), h.at())
		require.ErrorContains(t, err, "437")
	})
}

func TestTheRelayStopsWithItsAllocations(t *testing.T) {
	both(t, func(t *testing.T, tcp bool) {
		s := startServer(t, testConfig(t))
		s.alice(t, tcp)
		s.stop()
		assert.Contains(t, s.log.String(), "the relay stops")
	})
}

func TestAnAllocationEndsWithItsLifetime(t *testing.T) {
	s := startServer(t, testConfig(t))
	c := s.client(t, s.as("alice", "wonderland", false))
	g, err := c.Allocate(t.Context(), time.Second)
	require.NoError(t, err)
	assert.Equal(t, time.Second, g.Lifetime)
	s.log.Wait(t, "its lifetime is over")
}

func TestAnAllocationEndsWithItsConnection(t *testing.T) {
	s := startServer(t, testConfig(t))
	c, _ := s.alice(t, true)
	c.Close()
	s.log.Wait(t, left)
}

func TestTwoClientsOfOneRelay(t *testing.T) {
	both(t, func(t *testing.T, tcp bool) {
		config := testConfig(t)
		config.Peers.Rules = nil
		s := startServer(t, config)
		a, _ := s.alice(t, tcp)
		_, gb := s.alice(t, false)
		// A relayed transport address, but loopback all the same.
		require.ErrorContains(t, a.Permit(t.Context(), gb.Relayed), "403")

		config.Peers.Rules = allowLoopback
		s = startServer(t, config)
		a, ga := s.alice(t, tcp)
		b, gb := s.alice(t, false)
		require.NoError(t, a.Permit(t.Context(), gb.Relayed))
		require.NoError(t, b.Permit(t.Context(), ga.Relayed))
		_, err := a.Send(gb.Relayed, []byte("from a"))
		require.NoError(t, err)
		assert.Equal(t, Datagram{Peer: ga.Relayed, Data: []byte("from a")}, receive(t, b))
		_, err = b.Send(ga.Relayed, []byte("from b"))
		require.NoError(t, err)
		assert.Equal(t, Datagram{Peer: gb.Relayed, Data: []byte("from b")}, receive(t, a))
	})
}

// Bursts of mixed sizes, both ways by channels of two allocations at once: what the relay
// receives and sends together keeps its boundaries, its order and its owner.
func TestBurstsByChannelsDoNotMix(t *testing.T) {
	const bursts = 40
	s := startServer(t, testConfig(t))
	for name := range 2 {
		t.Run(fmt.Sprint(name), func(t *testing.T) {
			t.Parallel()
			c, g := s.alice(t, false)
			h := newHost(t)
			require.NoError(t, c.Bind(t.Context(), 0x4000, h.at()))
			for burst := range bursts {
				var sent []string
				for i, n := range []int{0, 1, 64, 64, 64, 1200, 1200, 1473, 64} {
					sent = append(sent, strings.Repeat(fmt.Sprintf("%d.%d.%d ", name, burst, i), n)[:n])
				}
				for _, text := range sent {
					_, err := c.Send(h.at(), []byte(text))
					assert.NoError(t, err)
				}
				for _, text := range sent {
					h.receive(text, g.Relayed)
				}
				for _, text := range sent {
					h.send(g.Relayed, text)
				}
				for _, text := range sent {
					d := receive(t, c)
					assert.Equal(t, text, string(d.Data))
					assert.Equal(t, h.at(), d.Peer)
				}
			}
		})
	}
}
