package nat

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// The prober: plain sockets on both sides of the NAT, in one process, so that every
// question has its answer in order and nothing has to be waited for in vain.

const patience = 20 * time.Second // how long something that must come may take

// remotes are the outside's transport addresses: by address, then by port.
type remotes[T any] [2][2]T

func remoteAddr(i, j int) netip.AddrPort {
	return netip.AddrPortFrom(outsideAddr[i], uint16(3478+j))
}

func listenUDP(tb testing.TB, n *nstest.Namespace, a netip.AddrPort) *net.UDPConn {
	tb.Helper()
	var c *net.UDPConn
	require.NoError(tb, n.Do(func() (err error) {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(a))
		return err
	}))
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func (l *lab) udpRemotes(tb testing.TB) remotes[*net.UDPConn] {
	var r remotes[*net.UDPConn]
	for i := range r {
		for j := range r[i] {
			r[i][j] = listenUDP(tb, l.outside, remoteAddr(i, j))
		}
	}
	return r
}

func send(tb testing.TB, from *net.UDPConn, to netip.AddrPort, text string) {
	tb.Helper()
	_, err := from.WriteToUDPAddrPort([]byte(text), to)
	require.NoError(tb, err)
}

// receive waits for a datagram.
func receive(tb testing.TB, c *net.UDPConn) (string, netip.AddrPort) {
	tb.Helper()
	text, from, err := read(c, patience)
	require.NoError(tb, err)
	return text, from
}

func read(c *net.UDPConn, wait time.Duration) (string, netip.AddrPort, error) {
	buf := make([]byte, 65536)
	if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return "", netip.AddrPort{}, err
	}
	n, from, err := c.ReadFromUDPAddrPort(buf)
	return string(buf[:n]), from, err
}

// observe sends from one side and returns the address that the other side sees.
func observe(tb testing.TB, from *net.UDPConn, to *net.UDPConn) netip.AddrPort {
	tb.Helper()
	send(tb, from, addrOf(to), "observe")
	text, addr := receive(tb, to)
	require.Equal(tb, "observe", text)
	return addr
}

func addrOf(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// mappingOf names the mapping by three observations (RFC 5780 section 4.3).
func mappingOf(o remotes[netip.AddrPort]) Mapping {
	switch {
	case o[0][0] == o[1][0] && o[0][0] == o[0][1]:
		return MapEndpointIndependent
	case o[0][0] == o[0][1]:
		return MapAddressDependent
	}
	return MapAddressAndPortDependent
}

// measureUDP measures the mapping of one socket and the filtering of another.
func measureUDP(tb testing.TB, mapped, filtered *net.UDPConn, r remotes[*net.UDPConn]) (Mapping, Filtering) {
	tb.Helper()
	var o remotes[netip.AddrPort]
	o[0][0], o[1][0], o[0][1] = observe(tb, mapped, r[0][0]), observe(tb, mapped, r[1][0]), observe(tb, mapped, r[0][1])

	open := observe(tb, filtered, r[0][0])
	send(tb, r[1][1], open, "other address")
	send(tb, r[0][1], open, "other port")
	send(tb, r[0][0], open, "same")
	f := FilterAddressAndPortDependent
	for {
		switch text, _ := receive(tb, filtered); text {
		case "other address":
			f = FilterEndpointIndependent
		case "other port":
			f = min(f, FilterAddressDependent)
		case "same":
			return mappingOf(o), f
		}
	}
}

// reuse lets a socket share its port with others, as a host that punches a TCP hole
// must.
func reuse(_, _ string, c syscall.RawConn) error {
	var err error
	return errors.Join(c.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	}), err)
}

func listenTCP(tb testing.TB, n *nstest.Namespace, a netip.AddrPort) *net.TCPListener {
	tb.Helper()
	var l net.Listener
	require.NoError(tb, n.Do(func() (err error) {
		l, err = (&net.ListenConfig{Control: reuse}).Listen(context.Background(), "tcp", a.String())
		return err
	}))
	tb.Cleanup(func() { _ = l.Close() })
	return l.(*net.TCPListener)
}

func dialTCP(tb testing.TB, n *nstest.Namespace, from, to netip.AddrPort, wait time.Duration) (net.Conn, error) {
	tb.Helper()
	var c net.Conn
	err := n.Do(func() (err error) {
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(from), Control: reuse, Timeout: wait, KeepAlive: -1}
		c, err = d.Dial("tcp", to.String())
		return err
	})
	if err == nil {
		tb.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

func (l *lab) tcpRemotes(tb testing.TB) remotes[*net.TCPListener] {
	var r remotes[*net.TCPListener]
	for i := range r {
		for j := range r[i] {
			r[i][j] = listenTCP(tb, l.outside, remoteAddr(i, j))
		}
	}
	return r
}

func acceptTCP(tb testing.TB, l *net.TCPListener) net.Conn {
	tb.Helper()
	require.NoError(tb, l.SetDeadline(time.Now().Add(patience)))
	c, err := l.Accept()
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func peerOf(c net.Conn) netip.AddrPort { return c.RemoteAddr().(*net.TCPAddr).AddrPort() }

// connect opens a connection from inside and returns what the outside sees of it.
func connect(tb testing.TB, n *nstest.Namespace, from netip.AddrPort, to *net.TCPListener) netip.AddrPort {
	tb.Helper()
	_, err := dialTCP(tb, n, from, to.Addr().(*net.TCPAddr).AddrPort(), patience)
	require.NoError(tb, err)
	return peerOf(acceptTCP(tb, to))
}

func (l *lab) measureTCPMapping(tb testing.TB, host int, port uint16, r remotes[*net.TCPListener]) Mapping {
	tb.Helper()
	from := netip.AddrPortFrom(insideAddr[host], port)
	var o remotes[netip.AddrPort]
	o[0][0] = connect(tb, l.inside[host], from, r[0][0])
	o[1][0] = connect(tb, l.inside[host], from, r[1][0])
	o[0][1] = connect(tb, l.inside[host], from, r[0][1])
	return mappingOf(o)
}

// comesIn lets the outside connect, and waits until it is connected or the counter
// says that its SYN was refused.
func comesIn(tb testing.TB, n *nstest.Namespace, from, to netip.AddrPort, refused func() uint64) bool {
	tb.Helper()
	before := refused()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	result := make(chan error, 1)
	go func() {
		result <- n.Do(func() error {
			c, err := (&net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(from), Control: reuse}).DialContext(ctx, "tcp", to.String())
			if err == nil {
				tb.Cleanup(func() { _ = c.Close() })
			}
			return err
		})
	}()
	for {
		select {
		case err := <-result:
			require.NoError(tb, err, "silence, not a refusal")
			return true
		case <-time.After(2 * time.Millisecond):
			if refused() > before {
				stop()
				require.Error(tb, <-result)
				return false
			}
		}
	}
}

// measureTCPFiltering lets the outside connect back from the ports of its
// listeners.
func (l *lab) measureTCPFiltering(tb testing.TB, host int, port uint16, r remotes[*net.TCPListener]) Filtering {
	tb.Helper()
	from := netip.AddrPortFrom(insideAddr[host], port)
	back := listenTCP(tb, l.inside[host], from)
	open := connect(tb, l.inside[host], from, r[0][0])
	comesIn := func(i, j int) bool {
		ok := comesIn(tb, l.outside, remoteAddr(i, j), open, func() uint64 { return l.state(tb).Counters.Refused })
		if ok {
			require.Equal(tb, remoteAddr(i, j), peerOf(acceptTCP(tb, back)))
		}
		return ok
	}
	switch {
	case comesIn(1, 1):
		return FilterEndpointIndependent
	case comesIn(0, 1):
		return FilterAddressDependent
	}
	return FilterAddressAndPortDependent
}
