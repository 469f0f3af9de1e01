package punch_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/pairing"
)

var (
	open   = natKind{nat.MapEndpointIndependent, nat.FilterEndpointIndependent}
	home1  = natKind{nat.MapEndpointIndependent, nat.FilterAddressAndPortDependent}
	strict = natKind{nat.MapAddressAndPortDependent, nat.FilterAddressAndPortDependent}
)

// become sets both NATs.
func (l *lab) become(t testing.TB, a, b natKind) {
	t.Helper()
	l.homes[0].become(t, a, nat.PermitByMapping)
	l.homes[1].become(t, b, nat.PermitByMapping)
}

// relay runs a relay beside the rendezvous, and returns its address.
func (l *lab) relay(t testing.TB, log *nodetest.Log) string {
	t.Helper()
	ctx := node.With(context.Background(), node.NewEvents(log, node.Text))
	c := pairing.DefaultConfig()
	c.Listen = []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:7200")}
	var r *pairing.Relay
	require.NoError(t, l.middle.Do(func() (err error) {
		r, err = pairing.Listen(ctx, c)
		return err
	}))
	nodetest.Serve(ctx, t, r.Serve)
	return "198.18.1.1:7200"
}

// TestRelayed: where no NAT fits, the relay carries; where one does, it sees nobody.
func TestRelayed(t *testing.T) {
	l := newLab(t)
	var log nodetest.Log
	at := l.relay(t, &log)
	for _, tcp := range []bool{false, true} {
		t.Run(name(tcp), func(t *testing.T) {
			args := []string{"--rendezvous", l.server.String(), "--relay", at, "--token", "relayed " + name(tcp)}
			if tcp {
				args = append(args, "--tcp")
			}
			l.become(t, home1, strict)
			before := log.String()
			a := l.start(t, 0, append(args, "--serve", "echo")...)
			b := l.start(t, 1, append(args, "--say", "hello", "--say", "again")...)
			statusA, statusB := a.end(t), b.end(t)
			logs := a.out.String() + b.out.String()
			assert.Equal(t, []int{0, 0}, []int{statusA, statusB}, logs)
			assert.Contains(t, a.out.String(), "path       relayed 10.5.1.10:", logs)
			assert.Contains(t, b.out.String(), "path       relayed 10.5.2.10:", logs)
			assert.Contains(t, b.out.String(), "-> 198.18.1.1:7200 (relay) -> 198.18.1.2:", logs)
			assert.Contains(t, b.out.String(), "reply      hello\n", logs)
			assert.Contains(t, b.out.String(), "reply      again\n", logs)
			assert.NotEqual(t, before, log.String())

			log.Wait(t, "closed     "+name(tcp)) // the last words of the pair
			l.become(t, home1, open)
			before = log.String()
			a = l.start(t, 0, append(args, "--serve", "echo")...)
			b = l.start(t, 1, append(args, "--say", "hello")...)
			statusA, statusB = a.end(t), b.end(t)
			logs = a.out.String() + b.out.String()
			assert.Equal(t, []int{0, 0}, []int{statusA, statusB}, logs)
			assert.True(t, a.direct() && b.direct(), logs)
			assert.NotContains(t, log.String()[len(before):], "registered", "the relay has seen nobody")

			// Without a rendezvous.
			args = append(args[2:], "--path", "relay")
			a = l.start(t, 0, append(args, "--serve", "echo")...)
			b = l.start(t, 1, append(args, "--say", "hello")...)
			statusA, statusB = a.end(t), b.end(t)
			logs = a.out.String() + b.out.String()
			assert.Equal(t, []int{0, 0}, []int{statusA, statusB}, logs)
			assert.Contains(t, b.out.String(), "path       relayed", logs)
			assert.Contains(t, b.out.String(), "reply      hello\n", logs)
		})
	}
}
