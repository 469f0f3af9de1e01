package punch_test

import (
	"context"
	"net"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// transports are run with and without --tcp.
func transports(t *testing.T, run func(t *testing.T, tcp bool, args []string)) {
	for _, tcp := range []bool{false, true} {
		t.Run(name(tcp), func(t *testing.T) {
			args := []string{"--rendezvous", "198.18.1.1:3480"}
			if tcp {
				args = append(args, "--tcp")
			}
			run(t, tcp, args)
		})
	}
}

// meets starts the two partners of a test, and wants them to come to a direct path.
func (l *lab) meets(t *testing.T, a *program, args ...string) {
	t.Helper()
	b := l.start(t, 1, append(args, "--say", "hello")...)
	statusA, statusB := a.end(t), b.end(t)
	logs := a.out.String() + b.out.String() + l.lately()
	assert.Equal(t, []int{0, 0}, []int{statusA, statusB}, logs)
	assert.True(t, a.direct() && b.direct(), logs)
	assert.Contains(t, b.out.String(), "reply      hello\n", logs)
}

var observed = regexp.MustCompile(`registered .* observed (\S+)\n`)

// TestStrangers: what comes from elsewhere, before and while the two punch, is ignored,
// and spoils no mapping.
func TestStrangers(t *testing.T) {
	for _, kind := range []natKind{open, home1} {
		t.Run(kind.m.String()+" "+kind.f.String(), func(t *testing.T) {
			l := newLab(t)
			transports(t, func(t *testing.T, tcp bool, args []string) {
				l.become(t, kind, kind)
				args = append(args, "--token", "strangers")
				a := l.start(t, 0, append(args, "--serve", "echo")...)
				a.out.Wait(t, " observed ")
				at := observed.FindStringSubmatch(a.out.String())[1]
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				started := make(chan struct{})
				go func() {
					defer close(ended)
					assert.NoError(t, l.middle.Do(func() error { return pester(ctx, tcp, at, started) }))
				}()
				<-started
				l.meets(t, a, args...)
				cancel()
				<-ended
			})
		})
	}
}

// pester sends to an address what no peer sends, until ctx is done.
func pester(ctx context.Context, tcp bool, at string, started chan struct{}) error {
	once := true
	words := [][]byte{{}, []byte("clp1"), []byte("clr1"), make([]byte, 1400), append([]byte("clp1\x01\x00\x00\x02"), make([]byte, 42)...)}
	for ctx.Err() == nil {
		transport := map[bool]string{false: "udp", true: "tcp"}[tcp]
		d := net.Dialer{Timeout: 20 * time.Millisecond}
		c, err := d.DialContext(ctx, transport, at)
		if err == nil {
			defer c.Close()
			for _, w := range words {
				_, _ = c.Write(w)
			}
		}
		if once {
			close(started)
			once = false
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return nil
}

func TestWrongToken(t *testing.T) {
	l := newLab(t)
	l.become(t, home1, home1)
	transports(t, func(t *testing.T, _ bool, args []string) {
		a := l.start(t, 0, append(args, "--token", "right", "--timeout", "500ms")...)
		b := l.start(t, 1, append(args, "--token", "wrong", "--timeout", "500ms")...)
		for _, p := range []*program{a, b} {
			assert.Equal(t, 1, p.end(t))
			assert.Contains(t, p.out.String(), "client: punch: nobody came with this token within 0.5 s (--timeout): 198.18.1.1:3480\n")
		}
	})
}

func TestUsedToken(t *testing.T) {
	l := newLab(t)
	l.become(t, home1, home1)
	transports(t, func(t *testing.T, tcp bool, args []string) {
		args = append(args, "--token", "used")
		b := l.start(t, 1, append(args, "--serve", "echo")...)
		a := l.start(t, 0, append(args, "--serve", "echo")...)
		a.out.Wait(t, "path ")
		b.out.Wait(t, "path ")
		third := l.start(t, 0, args...)
		assert.Equal(t, 1, third.end(t))
		assert.Contains(t, third.out.String(), "client: punch: 198.18.1.1:3480 refuses: the token is in use by two others\n")
	})
}

// TestRestartedRendezvous: who waits registers again.
func TestRestartedRendezvous(t *testing.T) {
	l := newLab(t)
	l.become(t, home1, home1)
	whole := t
	transports(t, func(t *testing.T, _ bool, args []string) {
		args = append(args, "--token", "restarted")
		a := l.start(t, 0, append(args, "--serve", "echo")...)
		a.out.Wait(t, "registered ")
		l.stop()
		l.serve(whole, rendezvous.DefaultConfig())
		l.meets(t, a, args...)
	})
}

// TestVanishedPeer: a partner that is known, and then silent.
func TestVanishedPeer(t *testing.T) {
	c := rendezvous.DefaultConfig()
	c.Limits.Lifetime = time.Second
	l := newLabWith(t, c)
	l.become(t, home1, home1)
	transports(t, func(t *testing.T, tcp bool, args []string) {
		a := l.start(t, 0, append(args, "--token", "vanished")...)
		a.out.Wait(t, "registered ")
		use := map[bool]rendezvous.Use{false: rendezvous.PunchUDP, true: rendezvous.PunchTCP}[tcp]
		token, err := rendezvous.NewToken("vanished", use)
		require.NoError(t, err)
		guest, err := rendezvous.NewGuest(token, nil, nil)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		server := netip.MustParseAddrPort("198.18.1.1:3480")
		require.NoError(t, l.middle.Do(func() error {
			if tcp {
				c, err := net.Dial("tcp", server.String())
				if err != nil {
					return err
				}
				t.Cleanup(func() { c.Close() })
				return rendezvous.JoinStream(ctx, c, guest)
			}
			c, err := net.ListenUDP("udp4", nil)
			if err != nil {
				return err
			}
			t.Cleanup(func() { c.Close() })
			return rendezvous.JoinDatagrams(ctx, c, server, guest)
		}))
		a.out.Wait(t, "peer ")
		assert.Equal(t, 1, a.end(t))
		assert.Contains(t, a.out.String(), "client: punch: the partner has left\n", l.lately())
	})
}
