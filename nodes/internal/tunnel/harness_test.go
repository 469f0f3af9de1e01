package tunnel

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

const secret = "a token of a test"

func relayOptions() Options {
	o := DefaultOptions()
	o.Listen = netip.MustParseAddrPort("127.0.0.1:0")
	o.Token = []byte(secret)
	return o
}

// testRelay is a relay that runs until it is stopped or the test ends.
type testRelay struct {
	*Relay
	log  *nodetest.Log
	stop func()
}

func startRelay(t testing.TB, o Options) *testRelay {
	t.Helper()
	log := new(nodetest.Log)
	r, err := Listen(context.Background(), o, node.NewEvents(log, node.Text))
	require.NoError(t, err)
	stop := nodetest.Serve(context.Background(), t, r.Serve)
	log.Wait(t, "ready")
	return &testRelay{Relay: r, log: log, stop: stop}
}

// testClient is a client that runs until it is stopped or the test ends.
type testClient struct {
	log  *nodetest.Log
	stop func()
}

func clientOptions(r netip.AddrPort, forwards ...Forward) ClientOptions {
	o := DefaultClientOptions()
	o.Relay = addr.Remote{Host: r.Addr().String(), Port: r.Port()}
	o.Token = []byte(secret)
	o.Forwards = forwards
	return o
}

func startClient(t testing.TB, o ClientOptions) *testClient {
	t.Helper()
	log := new(nodetest.Log)
	c, err := NewClient(o, node.NewEvents(log, node.Text))
	require.NoError(t, err)
	stop := nodetest.Serve(context.Background(), t, c.Run)
	log.Wait(t, "ready")
	return &testClient{log: log, stop: stop}
}

// refusedWith runs a client that must end by itself, and returns its error.
func refusedWith(t testing.TB, o ClientOptions) error {
	t.Helper()
	c, err := NewClient(o, node.NewEvents(io.Discard, node.Text))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err = c.Run(ctx)
	require.Error(t, err)
	return err
}

// to is a forward from a free port.
func to(t testing.TB, p Protocol, target net.Addr) Forward {
	t.Helper()
	a := addr.Of(target)
	return Forward{
		Publication: Publication{Protocol: p, Port: nodetest.FreePort(t)},
		Target:      addr.Remote{Host: a.Addr().String(), Port: a.Port()},
	}
}

// public is where a forward is reached.
func (f Forward) public() string { return f.at(netip.MustParseAddr("127.0.0.1")).String() }

func dialTCP(t testing.TB, f Forward) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", f.public())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c.(*net.TCPConn)
}

// pair is a tunnel and both ends of a connection through it.
type pair struct {
	relay           *testRelay
	client          *testClient
	outside, inside *net.TCPConn
}

func newPair(t testing.TB, o Options) pair {
	t.Helper()
	l := nodetest.Listen(t)
	f := to(t, TCP, l.Addr())
	p := pair{relay: startRelay(t, o)}
	p.client = startClient(t, clientOptions(p.relay.Addr(), f))
	p.outside = dialTCP(t, f)
	p.inside = nodetest.Accept(t, l)
	// Before that, an RST of the server would be the failure of connect.
	p.client.log.Wait(t, "opened")
	return p
}

// receiveReset reads until the connection is reset.
func receiveReset(t testing.TB, c net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, c)
	require.ErrorContains(t, err, "connection reset by peer")
}

// dialReset connects to who resets the connection at once: that may be seen already as
// the failure of connect.
func dialReset(t testing.TB, address string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		require.ErrorContains(t, err, "connection reset by peer")
		return
	}
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	receiveReset(t, c)
}

// text is n bytes that are not all the same.
func text(n int) string {
	return strings.Repeat("A server behind a NAT answers a client it has never heard of. ", n/62+1)[:n]
}

// udpEcho sends datagrams back until the test ends.
func udpEcho(t testing.TB) net.Addr {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	t.Cleanup(func() { c.Close(); wg.Wait() })
	wg.Go(func() {
		b := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(b[:n], from)
		}
	})
	return c.LocalAddr()
}
