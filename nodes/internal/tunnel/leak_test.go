package tunnel

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

func descriptors(t testing.TB) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(files)
}

func TestNothingIsLeft(t *testing.T) {
	l := nodetest.Listen(t)
	f, g := to(t, TCP, l.Addr()), to(t, UDP, udpEcho(t))
	before, files := runtime.NumGoroutine(), descriptors(t)
	r := startRelay(t, relayOptions())
	client := startClient(t, clientOptions(r.Addr(), f, g))
	for i := range 200 {
		outside := dialTCP(t, f)
		inside := nodetest.Accept(t, l)
		nodetest.Send(t, outside, "hello")
		nodetest.Receive(t, inside, "hello")
		switch i % 4 {
		case 0:
			outside.Close()
			nodetest.ReceiveEnd(t, inside, "")
		case 1:
			inside.Close()
			nodetest.ReceiveEnd(t, outside, "")
		case 2:
			resetConn(outside)
			receiveReset(t, inside)
		case 3:
			resetConn(inside)
			receiveReset(t, outside)
		}
		outside.Close()
		inside.Close()
	}
	for range 20 {
		c := dialUDP(t, g)
		exchange(t, c, "hello")
		c.Close()
	}
	require.Eventually(t, func() bool { return strings.Count(r.log.String(), "closed     tcp") == 200 }, patience, 1e6)
	client.stop()
	r.stop()
	// The condition itself runs in one more.
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, patience, 1e6)
	require.LessOrEqual(t, descriptors(t), files)
}
