package endurance

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/relay"
)

// What a target of the slow and the fast does, by the first byte.
const (
	hold  = 'h' // nothing: it reads, and waits for the end
	flood = 'f' // it sends floodSize bytes, which nobody reads
	count = 'c' // it counts what comes until the end, and says how much
)

// here is what a target says first, whatever it is to do.
const here = '!'

// floodSize is more than the buffers on the way of a client that does not read.
const floodSize = 256 << 10

// slowCount is how many slow clients there are to be.
const slowCount = 10_000

// slowRoom is how many there can be: a relay has two descriptors for each, and some for
// itself. It is slowCount wherever a process may have more than 20,200.
func slowRoom() int {
	if raceDetector {
		return 1000 // it knows no more than 8,128 goroutines
	}
	return min(slowCount, (room()-200)/2)
}

// targetCommand is the program of a process of targets: with the clients in another, neither
// runs out of descriptors.
func targetCommand() *cobra.Command {
	return &cobra.Command{Use: "target", RunE: func(cmd *cobra.Command, _ []string) error {
		listeners, err := listenTargets(serveSlow)
		if err != nil {
			return err
		}
		var addresses []string
		for _, l := range listeners {
			addresses = append(addresses, l.Addr().String())
		}
		node.From(cmd.Context()).Ready(strings.Join(addresses, " "))
		<-cmd.Context().Done()
		return nil
	}}
}

func serveSlow(c *net.TCPConn) {
	defer c.Close()
	var what [1]byte
	if _, err := io.ReadFull(c, what[:]); err != nil {
		return
	}
	if _, err := c.Write([]byte{here}); err != nil {
		return
	}
	switch what[0] {
	case flood:
		_, _ = c.Write(make([]byte, floodSize))
	case count:
		buf := make([]byte, 128<<10)
		var total int64
		for {
			n, err := c.Read(buf)
			total += int64(n)
			if err != nil {
				break
			}
		}
		fmt.Fprint(c, total)
		return
	}
	_, _ = io.Copy(io.Discard, c)
}

// newTargets starts a process of targets.
func newTargets(t testing.TB) *field {
	t.Helper()
	p := start(t, nil, nil, "target")
	f := &field{nobody: freeAddress(t, "127.23.0.99")}
	for _, s := range strings.Fields(p.wait(t, "ready"))[1:] {
		f.targets = append(f.targets, netip.MustParseAddrPort(s))
	}
	return f
}

// crowd is slow clients: they send a byte now and then, or nothing, or do not read, or
// have stopped in the middle of asking.
type crowd struct {
	clients []*net.TCPConn
	stop    func()
	ended   atomic.Int64 // of the clients that send: those that no longer can
}

// gather connects n slow clients. Of ten, one does not read, four send a byte a second,
// and the others have stopped half-way in asking if they have to ask, or else are silent.
func (r *rig) gather(t testing.TB, n int) *crowd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	clients := make([]*net.TCPConn, n)
	var next atomic.Int64
	var workers sync.WaitGroup
	var problems problems
	for range busy {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				c, err := r.slow(ctx, i)
				clients[i] = c
				if err != nil {
					problems.add(err)
				}
			}
		})
	}
	workers.Wait()
	g := &crowd{clients: clients}
	if problems.count > 0 {
		g.stop = func() {}
		g.disperse()
		problems.none(t)
		t.FailNow()
	}
	g.trickle()
	return g
}

// slow connects the ith slow client.
func (r *rig) slow(ctx context.Context, i int) (*net.TCPConn, error) {
	kind := i % 10
	if kind > 4 && r.half != nil {
		return r.half(ctx)
	}
	if kind == 0 {
		return r.reach(ctx, flood)
	}
	return r.reach(ctx, hold)
}

// reach connects to a target, tells it what to do, and waits until it has heard. A relay
// accepts before it connects on: without the wait, thousands of connections would begin
// at once, and the loopback interface would drop their packets.
func (r *rig) reach(ctx context.Context, what byte) (*net.TCPConn, error) {
	c, err := r.dial(ctx)
	if err != nil {
		return nil, err
	}
	if what == flood {
		_ = c.SetReadBuffer(4 << 10)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte{what}); err != nil {
		return c, err
	}
	if err := hear(c, string(here)); err != nil {
		return c, err
	}
	return c, c.SetDeadline(time.Time{})
}

// trickle has four of ten clients send a byte a second, spread over the second.
func (g *crowd) trickle() {
	var senders []*net.TCPConn
	for i, c := range g.clients {
		if kind := i % 10; 1 <= kind && kind <= 4 {
			senders = append(senders, c)
		}
	}
	const steps = 100
	ticker := time.NewTicker(time.Second / steps)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for step := 0; ; step = (step + 1) % steps {
			select {
			case <-ticker.C:
			case <-done:
				return
			}
			for i := step; i < len(senders); i += steps {
				if _, err := senders[i].Write([]byte("x")); err != nil {
					g.ended.Add(1)
				}
			}
		}
	}()
	g.stop = func() { ticker.Stop(); close(done); <-ended }
}

// disperse ends all of them.
func (g *crowd) disperse() {
	g.stop()
	for _, c := range g.clients {
		if c != nil {
			relay.Reset(c)
		}
	}
}

// send sends size bytes to a target that counts them, and returns how long it took until
// the target had them all.
func (r *rig) send(t testing.TB, size int64) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := r.reach(ctx, count)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	block := make([]byte, 128<<10)
	began := time.Now()
	for left := size; left > 0; left -= int64(len(block)) {
		_, err := c.Write(block[:min(left, int64(len(block)))])
		require.NoError(t, err)
	}
	require.NoError(t, c.CloseWrite())
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(size), string(got))
	return time.Since(began)
}

// slowForms are the forms that are tried with slow clients. relay rendezvous carries by
// the code of relay tcp.
var slowForms = []form{{"tcp", startTCP}, {"socks", startSOCKS}, {"tunnel", startTunnel}}

// startSlow starts a form with room for n slow clients and some fast ones, and returns
// beside it the way to its targets that does without it.
func (f form) startSlow(t testing.TB, n int) (by, direct *rig) {
	targets := newTargets(t)
	by = f.start(t, targets, limits{idle: 10 * time.Minute, connections: n + 20})
	direct = &rig{dial: func(ctx context.Context) (*net.TCPConn, error) { return targets.connect(ctx, targets.target()) }}
	return by, direct
}

// fastSize is what the fast client sends, in bytes.
const fastSize = 64 << 20

// TestFastAmongSlow: while 10,000 slow clients are there, a fast one gets everything
// through, and none of them is thrown out for that.
func TestFastAmongSlow(t *testing.T) {
	n := slowRoom()
	if n < slowCount {
		t.Logf("%d slow clients, not %d; a process may have %d descriptors here", n, slowCount, room())
	}
	for _, f := range slowForms {
		t.Run(f.name, func(t *testing.T) {
			rig, _ := f.startSlow(t, n)
			before := rig.processes[0].atRest(t)
			crowd := rig.gather(t, n)
			took := rig.send(t, fastSize)
			held := rig.processes[0].held(t)
			t.Logf("64 MiB in %.2f s; the relay holds %+v", took.Seconds(), held)
			require.GreaterOrEqual(t, held.Sockets, n, "they are there")
			require.Zero(t, crowd.ended.Load(), "they can still send: %q", rig.processes[0].told())
			crowd.disperse()
			awaitRest(t, rig.processes[0], before)
		})
	}
}
