package stun

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

const patience = 20 * time.Second

// loopback is a server with two addresses of this machine.
var loopback = Config{
	Primary:   netip.MustParseAddrPort("127.0.78.1:34780"),
	Alternate: netip.MustParseAddrPort("127.0.78.2:34790"),
}

// serve runs a server until the test ends, or stop is called.
func serve(t *testing.T, c Config) (log *nodetest.Log, stop func()) {
	t.Helper()
	log = &nodetest.Log{}
	ctx := node.With(context.Background(), node.NewEvents(log, node.Text))
	s, err := Listen(ctx, c)
	require.NoError(t, err)
	return log, nodetest.Serve(ctx, t, s.Serve)
}

func udpSocket(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

func receive(t *testing.T, c *net.UDPConn) (*stun.Message, netip.AddrPort) {
	t.Helper()
	b := make([]byte, 2000)
	n, from, err := c.ReadFromUDPAddrPort(b)
	require.NoError(t, err)
	return parsed(t, b[:n]), from
}

func TestDatagrams(t *testing.T) {
	log, stop := serve(t, loopback)
	c := udpSocket(t)
	for change, want := range map[ChangeRequest]string{
		{}:                       "127.0.78.1:34780",
		{Port: true}:             "127.0.78.1:34790",
		{Addr: true}:             "127.0.78.2:34780",
		{Addr: true, Port: true}: "127.0.78.2:34790",
	} {
		_, err := c.WriteToUDPAddrPort(build(stun.BindingRequest, change), loopback.Primary)
		require.NoError(t, err)
		m, from := receive(t, c)
		assert.Equal(t, want, from.String())
		observed, err := Mapped(m)
		require.NoError(t, err)
		assert.Equal(t, c.LocalAddr().String(), observed.String())
	}

	other := udpSocket(t)
	port := ResponsePort(other.LocalAddr().(*net.UDPAddr).Port)
	_, err := c.WriteToUDPAddrPort(build(stun.BindingRequest, port), loopback.Alternate)
	require.NoError(t, err)
	_, from := receive(t, other)
	assert.Equal(t, loopback.Alternate, from)

	// What is not answered is told apart from silence by what is asked after it.
	for _, b := range [][]byte{[]byte("Hello, world"), build(stun.NewType(stun.MethodAllocate, stun.ClassRequest)), build(stun.BindingRequest, raw(0x7ffe)), build(stun.BindingRequest)} {
		_, err := c.WriteToUDPAddrPort(b, loopback.Primary)
		require.NoError(t, err)
	}
	m, _ := receive(t, c)
	assert.Equal(t, stun.BindingError, m.Type)
	m, _ = receive(t, c)
	assert.Equal(t, stun.BindingSuccess, m.Type)
	stop()
	assert.Contains(t, log.String(), "ignored    udp "+c.LocalAddr().String()+" -> 127.0.78.1:34780: malformed: 12 bytes are no STUN header\n")
	assert.Contains(t, log.String(), "refused    udp "+c.LocalAddr().String()+" -> 127.0.78.1:34780: 420 0x7ffe\n")
	assert.Contains(t, log.String(), "answered   udp "+c.LocalAddr().String()+" -> 127.0.78.1:34780 by 127.0.78.2:34790 -> "+c.LocalAddr().String()+"\n")
	assert.Contains(t, log.String(), "stopped    stun 6 answered, 1 refused, 1 malformed, 1 unexpected\n")
}

func TestString(t *testing.T) {
	s, err := Listen(t.Context(), loopback)
	require.NoError(t, err)
	defer s.close()
	assert.Equal(t, "stun udp and tcp 127.0.78.1:34780, 127.0.78.1:34790, 127.0.78.2:34780, 127.0.78.2:34790", s.String())
}

// A server on every address answers from the one that was asked.
func TestWildcard(t *testing.T) {
	serve(t, Config{Primary: netip.MustParseAddrPort("0.0.0.0:34781")})
	c := udpSocket(t)
	asked := netip.MustParseAddrPort("127.0.78.9:34781")
	_, err := c.WriteToUDPAddrPort(build(stun.BindingRequest), asked)
	require.NoError(t, err)
	_, from := receive(t, c)
	assert.Equal(t, asked, from)
}

// caller is a client that listens on the port that it asks from.
type caller struct {
	net.Conn
	listener *net.TCPListener
}

func newCaller(t *testing.T, listens bool) *caller {
	t.Helper()
	lc := net.ListenConfig{Control: shareAddress}
	l, err := lc.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	d := net.Dialer{Control: shareAddress, LocalAddr: l.Addr()}
	if !listens {
		require.NoError(t, l.Close())
	}
	c, err := d.Dial("tcp4", loopback.Primary.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	tcp := l.(*net.TCPListener)
	if listens {
		require.NoError(t, tcp.SetDeadline(time.Now().Add(patience)))
	}
	return &caller{c, tcp}
}

func readFrom(t *testing.T, r io.Reader) *stun.Message {
	t.Helper()
	b, err := ReadMessage(r)
	require.NoError(t, err)
	return parsed(t, b)
}

func TestStreams(t *testing.T) {
	log, stop := serve(t, loopback)
	c := newCaller(t, true)
	// Two questions in one segment, and one in pieces.
	question := build(stun.BindingRequest)
	_, err := c.Write(append(append([]byte(nil), question...), question...))
	require.NoError(t, err)
	for range 2 {
		assert.Equal(t, stun.BindingSuccess, readFrom(t, c).Type)
	}
	for _, b := range question {
		_, err := c.Write([]byte{b})
		require.NoError(t, err)
	}
	observed, err := Mapped(readFrom(t, c))
	require.NoError(t, err)
	assert.Equal(t, c.LocalAddr().String(), observed.String())

	// An unexpected message is no reason to end the connection, a malformed one is.
	_, err = c.Write(build(stun.NewType(stun.MethodBinding, stun.ClassIndication)))
	require.NoError(t, err)
	_, err = c.Write(question)
	require.NoError(t, err)
	assert.Equal(t, stun.BindingSuccess, readFrom(t, c).Type)
	_, err = io.WriteString(c, "GET / HTTP/1.0\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	_, err = ReadMessage(c)
	require.Error(t, err)
	stop()
	assert.Contains(t, log.String(), "stopped    stun 4 answered, 0 refused, 1 malformed, 1 unexpected\n")
}

func TestCallBack(t *testing.T) {
	serve(t, loopback)
	c := newCaller(t, true)
	for round := range 3 {
		for change, want := range map[ChangeRequest]string{
			{Port: true}:             "127.0.78.1:34790",
			{Addr: true}:             "127.0.78.2:34780",
			{Addr: true, Port: true}: "127.0.78.2:34790",
		} {
			request := build(stun.BindingRequest, change)
			_, err := c.Write(request)
			require.NoError(t, err)
			call, err := c.listener.Accept()
			require.NoError(t, err)
			from := call.RemoteAddr().String()
			if round == 0 {
				assert.Equal(t, want, from)
			}
			// Once more, the connection of the last call may not be gone yet, and this
			// one comes from another port.
			host, port, err := net.SplitHostPort(from)
			require.NoError(t, err)
			assert.Equal(t, host, netip.MustParseAddrPort(want).Addr().String())
			assert.False(t, change.Port && port == "34780", from)
			m := readFrom(t, call)
			assert.Equal(t, request[8:HeaderSize], m.TransactionID[:])
			var origin stun.ResponseOrigin
			require.NoError(t, origin.GetFrom(m))
			assert.Equal(t, from, origin.String())
			require.NoError(t, call.Close())
		}
	}
}

func TestCallBackThatFails(t *testing.T) {
	log, _ := serve(t, loopback)
	c := newCaller(t, false)
	request := build(stun.BindingRequest, ChangeRequest{Addr: true})
	_, err := c.Write(request)
	require.NoError(t, err)
	m := readFrom(t, c)
	assert.Equal(t, request[8:HeaderSize], m.TransactionID[:])
	var code stun.ErrorCodeAttribute
	require.NoError(t, code.GetFrom(m))
	assert.Equal(t, stun.CodeConnTimeoutOrFailure, code.Code)
	log.Wait(t, "447 no connection from 127.0.78.2:34780: ECONNREFUSED (111) connection refused")
}

func TestListenErrors(t *testing.T) {
	at := netip.MustParseAddrPort
	for want, c := range map[string]Config{
		"bind: EADDRNOTAVAIL (99) cannot assign requested address: udp 198.19.7.10:3478 (no interface of this node has the address; the server needs 127.0.78.3 and 198.19.7.10 on this node)": {
			Primary: at("127.0.78.3:3478"), Alternate: at("198.19.7.10:3479")},
		"with --alternate both addresses must be given, such as --primary 198.18.7.10:3478 --alternate 198.19.7.10:3479": {
			Primary: at("0.0.0.0:3478"), Alternate: at("198.19.7.10:3479")},
		"--alternate 198.18.7.10:3479: must be another address than --primary, or filtering by address cannot be told": {
			Primary: at("198.18.7.10:3478"), Alternate: at("198.18.7.10:3479")},
		"--alternate 198.19.7.10:3478: must have another port than --primary, or filtering by port cannot be told": {
			Primary: at("198.18.7.10:3478"), Alternate: at("198.19.7.10:3478")},
		"--primary 198.18.7.10 and --alternate 2001:db8::1: one is IPv4, the other IPv6": {
			Primary: at("198.18.7.10:3478"), Alternate: at("[2001:db8::1]:3479")},
		"--primary 198.18.7.10:0 and --alternate 198.19.7.10:3479: port 0 is none": {
			Primary: at("198.18.7.10:0"), Alternate: at("198.19.7.10:3479")},
	} {
		_, err := Listen(context.Background(), c)
		assert.EqualError(t, err, want)
	}
	// What was bound before the error is free again.
	serve(t, Config{Primary: at("127.0.78.3:3479")})
}

func TestTakenAddress(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.78.4:34782")
	require.NoError(t, err)
	defer taken.Close()
	_, err = Listen(context.Background(), Config{Primary: netip.MustParseAddrPort(taken.Addr().String())})
	assert.EqualError(t, err, "bind: EADDRINUSE (98) address already in use: tcp 127.0.78.4:34782 (is another server running? choose another port)")
}
