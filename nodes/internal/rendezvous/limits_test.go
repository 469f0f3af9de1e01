package rendezvous

import (
	"fmt"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func TestLimits(t *testing.T) {
	for _, transport := range transports {
		for name, c := range map[string]struct {
			limits Limits
			want   Reason
		}{
			"in all":     {Limits{Clients: 2, PerSource: 100, Lifetime: patience}, ReasonFull},
			"per source": {Limits{Clients: 100, PerSource: 2, Lifetime: patience}, ReasonSource},
		} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				r := start(t, func(config *Config) { config.Limits = c.limits })
				var waiting []*client
				for _, secret := range []string{"one", "two"} {
					w := r.dial(t, transport, secret)
					w.request(t)
					w.until(t, secret, anything)
					waiting = append(waiting, w)
				}
				assert.Equal(t, c.want, r.dial(t, transport, "three").refused(t))
				waiting[0].Set(StateLeft)
				waiting[0].request(t)
				waiting[0].until(t, "left", anything)
				three := r.dial(t, transport, "three")
				three.request(t)
				three.until(t, "there is room", anything)
			})
		}
	}
}

// TestHalfOpen: who says nothing keeps nobody out for longer than the limit.
func TestHalfOpen(t *testing.T) {
	r := start(t, func(c *Config) { c.Limits.PerSource, c.HalfOpen = 3, 500*time.Millisecond })
	begin := time.Now()
	var silent []*client
	for range 3 {
		silent = append(silent, r.dial(t, "tcp", "secret"))
	}
	_, err := r.dial(t, "tcp", "secret").c.Read(make([]byte, 1))
	assert.Error(t, err, "one too many")
	r.log.Wait(t, "too many clients come from this address")
	for _, s := range silent {
		_, err := s.c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF)
	}
	assert.GreaterOrEqual(t, time.Since(begin), 500*time.Millisecond)
	for _, secret := range []string{"one", "two", "three"} {
		c := r.dial(t, "tcp", secret)
		c.request(t)
		c.until(t, secret, anything)
	}
	assert.Equal(t, ReasonSource, r.dial(t, "tcp", "four").refused(t), "which is let in to be told")
}

func TestOneSourceOfIPv6IsASubnet(t *testing.T) {
	at := func(s string) netip.Addr { return source(netip.MustParseAddrPort(s)) }
	assert.Equal(t, at("[2001:db8::1]:1"), at("[2001:db8::ffff:0:0:2]:2"))
	assert.NotEqual(t, at("[2001:db8::1]:1"), at("[2001:db8:0:1::1]:1"))
	assert.NotEqual(t, at("198.18.1.2:1"), at("198.18.1.3:1"))
}

// TestWhoIsSilentIsForgotten, and the partner hears of it.
func TestWhoIsSilentIsForgotten(t *testing.T) {
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			r := start(t, func(c *Config) { c.Limits.Lifetime = 200 * time.Millisecond })
			a := r.dial(t, transport, "secret")
			a.request(t)
			a.until(t, "a waits", anything)
			r.log.Wait(t, "gone       "+a.local().String())
			b := r.dial(t, transport, "secret")
			b.request(t)
			b.until(t, "b waits", anything)
			assert.Nil(t, b.Status().Peer, "b does not meet who is gone")
		})
	}
}

func TestCookies(t *testing.T) {
	c, now := newCookies(), time.Now()
	from, id := netip.MustParseAddrPort("198.18.1.2:4000"), ID{1}
	good := c.make(now, from, id)
	assert.True(t, c.good(good, now, from, id))
	assert.True(t, c.good(good, now.Add(cookieLifetime), from, id))
	assert.False(t, c.good(good, now.Add(cookieLifetime+time.Millisecond), from, id), "stale")
	assert.False(t, c.good(good, now.Add(-time.Second), from, id), "of the future")
	assert.False(t, c.good(good, now, netip.MustParseAddrPort("198.18.1.2:4001"), id), "another port")
	assert.False(t, c.good(good, now, from, ID{2}), "another meeting")
	assert.False(t, newCookies().good(good, now, from, id), "another server, or one started anew")
	for i := range good {
		bad := good
		bad[i] ^= 1
		assert.False(t, c.good(bad, now, from, id))
	}
	assert.False(t, c.good(Cookie{}, now, from, id))
}

// TestNothingIsLeft: a server that has ended has no goroutine and no descriptor, whatever its clients do.
func TestNothingIsLeft(t *testing.T) {
	await := nodetest.NothingLeft(t)
	t.Run("server", func(t *testing.T) {
		r := start(t, nil)
		for i := range 20 {
			r.dial(t, "tcp", "half-open")
			pair(t, r, "tcp", fmt.Sprint("pair ", i))
			pair(t, r, "udp", fmt.Sprint("pair ", i))
		}
		r.stop()
	})
	await()
}
