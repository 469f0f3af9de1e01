package tunnel

import (
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// BenchmarkThroughput sends through a relay and a client in one process, over loopback.
// What it reports is bytes for each second of the process's time, sender and receiver
// included: that hardly depends on what else the machine does.
func BenchmarkThroughput(b *testing.B) {
	l := nodetest.Listen(b)
	f := to(b, TCP, l.Addr())
	r := startRelay(b, relayOptions())
	startClient(b, clientOptions(r.Addr(), f))
	outside := dialTCP(b, f)
	inside := nodetest.Accept(b, l)
	require.NoError(b, outside.SetDeadline(time.Time{}))
	require.NoError(b, inside.SetDeadline(time.Time{}))
	const size = 64 << 20
	b.SetBytes(size)
	before := cpuTime(b)
	for b.Loop() {
		go func() { _, _ = outside.Write(make([]byte, size)) }()
		_, err := io.CopyN(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{inside}, size)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.N)*size*8/1e9/(cpuTime(b)-before).Seconds(), "Gb/cpu-s")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRoundTrip sends a byte and waits for it to come back.
func BenchmarkRoundTrip(b *testing.B) {
	l := nodetest.Listen(b)
	f := to(b, TCP, l.Addr())
	r := startRelay(b, relayOptions())
	startClient(b, clientOptions(r.Addr(), f))
	outside := dialTCP(b, f)
	inside := nodetest.Accept(b, l)
	go func() { _, _ = io.Copy(struct{ io.Writer }{inside}, struct{ io.Reader }{inside}) }()
	before := cpuTime(b)
	for b.Loop() {
		nodetest.Send(b, outside, "?")
		nodetest.Receive(b, outside, "?")
	}
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}
