package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// event is a line of the relay's log.
type event map[string]any

// eventLog receives the events of a relay and lets tests wait for them.
type eventLog struct {
	mu     sync.Mutex
	events []event
	more   chan struct{} // closed, and made anew, when an event comes
}

func newEventLog() *eventLog { return &eventLog{more: make(chan struct{})} }

func (l *eventLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var e event
	if err := json.Unmarshal(bytes.TrimSpace(p), &e); err != nil {
		panic(fmt.Sprintf("not an event: %q: %v", p, err))
	}
	l.events = append(l.events, e)
	close(l.more)
	l.more = make(chan struct{})
	return len(p), nil
}

// wait returns the first n events of that name when there are as many.
func (l *eventLog) wait(t testing.TB, name string, n int) []event {
	t.Helper()
	limit := time.After(patience)
	for {
		found, more := l.named(name)
		if len(found) >= n {
			return found[:n]
		}
		select {
		case <-more:
		case <-limit:
			t.Fatalf("waited %v for %d events %q; there are %v", patience, n, name, l.events)
		}
	}
}

func (l *eventLog) named(name string) ([]event, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []event
	for _, e := range l.events {
		if e["event"] == name {
			found = append(found, e)
		}
	}
	return found, l.more
}

// testRelay is a relay that runs until it is stopped or the test ends.
type testRelay struct {
	*Relay
	log  *eventLog
	stop func()
}

func startRelay(t testing.TB, options Options, forwards ...Forward) *testRelay {
	t.Helper()
	log := newEventLog()
	r, err := Listen(context.Background(), forwards, options, node.NewEvents(log, node.JSON))
	require.NoError(t, err)
	stop := nodetest.Serve(context.Background(), t, r.Serve)
	log.wait(t, "ready", 1)
	return &testRelay{Relay: r, log: log, stop: stop}
}

// address is the first address that the relay listens on.
func (r *testRelay) address() string { return r.Addrs()[0].String() }

// dial connects to the relay's first address.
func (r *testRelay) dial(t testing.TB) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", r.address())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c.(*net.TCPConn)
}

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// to is a forward from any loopback port.
func to(p Protocol, target net.Addr) Forward {
	return Forward{Protocol: p, Listen: loopback, Target: target.String()}
}

// pair returns both ends of an established connection through a new relay.
func pair(t testing.TB, options Options) (r *testRelay, client, target *net.TCPConn) {
	t.Helper()
	l := nodetest.Listen(t)
	r = startRelay(t, options, to(TCP, l.Addr()))
	client = r.dial(t)
	target = nodetest.Accept(t, l)
	// Before that, an RST of the target would be the failure of connect.
	r.log.wait(t, "connected", 1)
	return r, client, target
}

// echo serves connections until the test ends: what came goes back.
func echo(t testing.TB) *net.TCPListener {
	l := nodetest.Listen(t)
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				// Not by net's splice, whose pipes would be counted as the relay's.
				_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
			})
		}
	})
	return l
}

// text is n bytes that are not all the same.
func text(n int) string {
	return strings.Repeat("The relay carries bytes, and knows nothing of them. ", n/52+1)[:n]
}

// forget drops the events so far.
func (l *eventLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = nil
}
