package endurance

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/relay"
)

// connectionsVariable says how many connections TestEveryEndLeavesNothing makes with
// each form of relay.
const connectionsVariable = "CROSSLAN_ENDURANCE_CONNECTIONS"

// ordinary is how many an ordinary run makes: with relay tcp, whose code carries for socks
// and rendezvous too, all that the project promises to try, which is half a minute on two
// cores; with the others a tenth of that. Under the race detector there are fewer.
func ordinary(form string) int {
	switch {
	case raceDetector:
		return 1_000
	case form == "tcp":
		return 100_000
	}
	return 10_000
}

// The silent ones are so many of all, and so long silent; they wait side by side.
const (
	oneSilentOf = 10
	idleLimit   = 2 * time.Second
	sideBySide  = 1500 // silent ones
	busy        = 24   // others
)

// meetings is how many silent ones of relay rendezvous wait side by side. Each costs it
// signatures, and it cuts who has not registered within its limit for half-open
// clients: 1,500 at once do not on a machine that has other work.
const meetings = 150

func connections(t testing.TB, form string) int {
	s := os.Getenv(connectionsVariable)
	if s == "" {
		return ordinary(form)
	}
	n, err := strconv.Atoi(s)
	require.NoError(t, err, connectionsVariable)
	return n
}

// TestEveryEndLeavesNothing makes very many connections through each form of relay, and
// ends them in every way, as both ends must see them end. Afterwards the relay holds
// what it held before: no socket more, no goroutine more.
func TestEveryEndLeavesNothing(t *testing.T) {
	eachForm(t, func(t *testing.T, f form) {
		n := connections(t, f.name)
		var problems problems
		var targets sync.WaitGroup
		field := newField(t, func(c *net.TCPConn) {
			targets.Add(1)
			defer targets.Done()
			serveWay(c, problems.report)
		})
		rig := f.start(t, field, limits{idle: idleLimit})
		var before []held
		for _, p := range rig.processes {
			before = append(before, p.atRest(t))
		}

		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var workers sync.WaitGroup
		run := func(count, concurrency int, one func(ctx context.Context, i int) error, what string) {
			var next atomic.Int64
			for range concurrency {
				workers.Go(func() {
					for i := int(next.Add(1)); i <= count; i = int(next.Add(1)) {
						ctx, cancel := context.WithTimeout(ctx, patience)
						err := one(ctx, i)
						cancel()
						if err != nil {
							problems.add(fmt.Errorf("%s: %w", what, err))
						}
					}
				})
			}
		}
		silent := n / oneSilentOf
		atOnce := sideBySide
		if f.name == "rendezvous" {
			atOnce = meetings
		}
		run(silent, min(atOnce, silent), rig.way(silence), "silence")
		rest := n - silent
		run(rest, busy, func(ctx context.Context, i int) error {
			code := byte(i % (len(ways) + 1))
			switch {
			case code < silence:
				return rig.way(code)(ctx, i)
			case code == silence && rig.refused != nil:
				return rig.refused(ctx)
			}
			return rig.vanish(ctx)
		}, "client")
		workers.Wait()
		targets.Wait()
		took := time.Since(began)
		problems.none(t)
		for i, p := range rig.processes {
			after := awaitRest(t, p, before[i])
			t.Logf("%d connections in %.1f s; %s: before %+v, after %+v", n, took.Seconds(), p.cmd.Args[1], before[i], after)
		}
	})
}

// way returns a client that goes that way.
func (r *rig) way(code byte) func(ctx context.Context, i int) error {
	return func(ctx context.Context, _ int) error {
		c, err := r.dial(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
		if limit, ok := ctx.Deadline(); ok {
			_ = c.SetDeadline(limit)
		}
		if _, err := c.Write([]byte{code}); err != nil {
			return err
		}
		if err := ways[code].client(c); err != nil {
			return fmt.Errorf("%s: %w", ways[code].name, err)
		}
		return nil
	}
}

// vanish connects and leaves at once, by an RST.
func (r *rig) vanish(ctx context.Context) error {
	c, err := r.dial(ctx)
	if err != nil {
		return err
	}
	relay.Reset(c)
	return nil
}

// awaitRest waits until p holds no more than before, but for the pipes that a relay
// keeps for later, of which it has 16 at most.
func awaitRest(t testing.TB, p *process, before held) (after held) {
	t.Helper()
	const pipesKept = 2 * 16
	rests := func() bool {
		after = p.held(t)
		return after.Goroutines <= before.Goroutines && after.Sockets <= before.Sockets &&
			after.Pipes <= before.Pipes+pipesKept && after.Others <= before.Others
	}
	limit := time.Now().Add(patience)
	for !rests() {
		if time.Now().After(limit) {
			assert.Fail(t, "something is left", "%s: before %+v, after %+v; its stacks are in the output", p.cmd.Args[1:], before, after)
			_ = p.cmd.Process.Signal(syscall.SIGQUIT) // prints them
			return after
		}
		time.Sleep(10 * time.Millisecond)
	}
	return after
}

// problems are errors of ends that were not as they must be.
type problems struct {
	mu    sync.Mutex
	first []error
	count int
}

func (p *problems) add(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	if len(p.first) < 10 {
		p.first = append(p.first, err)
	}
}

func (p *problems) report(w way, err error) {
	if err != nil {
		p.add(fmt.Errorf("target: %s: %w", w.name, err))
	}
}

func (p *problems) none(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, err := range p.first {
		t.Error(err)
	}
	if p.count > len(p.first) {
		t.Errorf("and %d more", p.count-len(p.first))
	}
}
