package punch_test

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/nat"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// twoPorts is a rendezvous that listens on two.
func twoPorts() rendezvous.Config {
	c := rendezvous.DefaultConfig()
	c.Listen = append(c.Listen, netip.MustParseAddrPort("0.0.0.0:3481"))
	return c
}

// attack lets both sides try what args say.
func (l *lab) attack(t testing.TB, agents [2]*agent, args ...string) (a, b result) {
	t.Helper()
	args = append([]string{"--rendezvous", l.server.String(), "--token", "attack"}, args...)
	agents[0].begin(t, append(args, "--serve", "echo")...)
	agents[1].begin(t, append(args, "--say", "hello")...)
	a, b = agents[0].end(t), agents[1].end(t)
	require.Equal(t, a.Status, b.Status, a.Output+b.Output)
	return a, b
}

// TestPrediction: mappings that vary can be met if the NAT counts, or keeps the port of
// the inside; if its ports are random they cannot.
func TestPrediction(t *testing.T) {
	l := newLabWith(t, twoPorts())
	agents := [2]*agent{l.agent(t, 0), l.agent(t, 1)}
	for _, c := range []struct {
		a, b         nat.Ports
		kindB        natKind
		direct       bool
		without      bool // also without prediction
		aSays, bSays string
	}{
		{nat.SequentialPorts, nat.PreservePorts, home1, true, false, "(the NAT counts: the last step was 1)\n", "(as predicted)\n"},
		{nat.PreservePorts, nat.PreservePorts, home1, true, false, "(the NAT keeps the port of a socket's first mapping)\n", "(as predicted)\n"},
		{nat.RandomPorts, nat.PreservePorts, home1, false, false, "predicted  nothing: the NAT's ports follow no step\n", ""},
		{nat.SequentialPorts, nat.SequentialPorts, strict, true, false, "(as predicted)\n", "(as predicted)\n"},
		{nat.PreservePorts, nat.PreservePorts, strict, true, false, "(as predicted)\n", "(as predicted)\n"},
		{nat.RandomPorts, nat.SequentialPorts, strict, false, false, "", ""},
	} {
		t.Run(fmt.Sprintf("%v with %v %v", c.a, c.kindB.m, c.b), func(t *testing.T) {
			l.homes[0].becomeWith(t, strict, nat.PermitByMapping, c.a)
			l.homes[1].becomeWith(t, c.kindB, nat.PermitByMapping, c.b)
			a, b := l.attack(t, agents)
			assert.Equal(t, 1, a.Status, "without prediction\n"+a.Output+b.Output)
			a, b = l.attack(t, agents, "--predict", "8")
			assert.Equal(t, c.direct, a.Status == 0, a.Output+b.Output)
			assert.Contains(t, a.Output, c.aSays, b.Output)
			assert.Contains(t, b.Output, c.bSays, a.Output)
		})
	}
}

// TestBirthday: of 1,024 mappings among 64,512 ports one is met by 1,024 packets but for
// one case in ten million.
func TestBirthday(t *testing.T) {
	l := newLabWith(t, twoPorts())
	agents := [2]*agent{l.agent(t, 0), l.agent(t, 1)}
	l.homes[0].becomeWith(t, strict, nat.PermitByMapping, nat.RandomPorts)
	l.homes[1].becomeWith(t, home1, nat.PermitByMapping, nat.PreservePorts)
	a, b := l.attack(t, agents)
	assert.Equal(t, 1, a.Status, a.Output+b.Output)
	a, b = l.attack(t, agents, "--birthday", "1024")
	assert.Zero(t, a.Status, a.Output+b.Output)
	assert.Contains(t, b.Output, "reply      hello\n")
}

// BenchmarkBirthday reports how often the birthday attack works, and how many packets it
// took, beside the theory.
//
//	go test ./nodes/internal/punch -run - -bench Birthday -benchtime 50x
func BenchmarkBirthday(b *testing.B) {
	for _, n := range []int{64, 128, 256, 512} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			l := newLabWith(b, twoPorts())
			agents := [2]*agent{l.agent(b, 0), l.agent(b, 1)}
			met, packets := 0, 0
			for b.Loop() {
				l.homes[0].forget(b, nat.RandomPorts)
				l.homes[1].becomeWith(b, home1, nat.PermitByMapping, nat.PreservePorts)
				_, second := l.attack(b, agents, "--birthday", strconv.Itoa(n))
				if second.Status == 0 {
					met++
				}
				_, said, _ := strings.Cut(second.Output, "guessed    ")
				said, _, _ = strings.Cut(said, " ")
				guessed, err := strconv.Atoi(said)
				require.NoError(b, err, second.Output)
				packets += guessed
			}
			rounds := float64(b.N)
			b.ReportMetric(100*float64(met)/rounds, "%met")
			b.ReportMetric(100*(1-math.Pow(1-float64(n)/64512, float64(n))), "%theory")
			b.ReportMetric(float64(packets)/rounds, "packets/op")
		})
	}
}

// BenchmarkPrediction reports how often prediction works, with other mappings being made
// by a neighbour, so many in a second.
//
//	go test ./nodes/internal/punch -run - -bench Prediction -benchtime 20x
func BenchmarkPrediction(b *testing.B) {
	for _, c := range []struct {
		ports   nat.Ports
		predict int
		others  int // mappings of a neighbour in a second
	}{
		{nat.PreservePorts, 1, 0}, {nat.SequentialPorts, 1, 0}, {nat.RandomPorts, 64, 0},
		{nat.SequentialPorts, 1, 20}, {nat.SequentialPorts, 8, 20}, {nat.SequentialPorts, 64, 20},
		{nat.SequentialPorts, 8, 200}, {nat.SequentialPorts, 64, 200},
	} {
		b.Run(fmt.Sprintf("%v/others=%d/predict=%d", c.ports, c.others, c.predict), func(b *testing.B) {
			l := newLabWith(b, twoPorts())
			agents := [2]*agent{l.agent(b, 0), l.agent(b, 1)}
			l.homes[1].becomeWith(b, home1, nat.PermitByMapping, nat.PreservePorts)
			l.neighbour(b, c.others)
			met := 0
			for b.Loop() {
				l.homes[0].forget(b, c.ports)
				if _, second := l.attack(b, agents, "--predict", strconv.Itoa(c.predict)); second.Status == 0 {
					met++
				}
			}
			b.ReportMetric(100*float64(met)/float64(b.N), "%met")
		})
	}
}

// forget makes the strict NAT that gives ports in this way one that has no mappings.
func (h home) forget(t testing.TB, ports nat.Ports) {
	h.becomeWith(t, open, nat.PermitByMapping, nat.PreservePorts)
	h.becomeWith(t, strict, nat.PermitByMapping, ports)
}

// neighbour makes so many mappings in a second at the first NAT, until the test ends.
func (l *lab) neighbour(b *testing.B, rate int) {
	if rate == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- l.homes[0].host.Do(func() error {
			t := time.NewTicker(time.Second / time.Duration(rate))
			defer t.Stop()
			for ctx.Err() == nil {
				c, err := net.Dial("udp", "198.18.1.1:9")
				if err != nil {
					return err
				}
				_, _ = c.Write([]byte("x"))
				c.Close()
				select {
				case <-t.C:
				case <-ctx.Done():
				}
			}
			return nil
		})
	}()
	b.Cleanup(func() {
		cancel()
		require.NoError(b, <-ended)
	})
}
