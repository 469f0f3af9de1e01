package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// fullListener returns the address of a socket whose backlog is taken: what comes
// now is dropped, as by a router that leads nowhere.
func fullListener(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(fd, 0))
	sa, err := unix.Getsockname(fd)
	require.NoError(t, err)
	remote := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*unix.SockaddrInet4).Port))
	// listen(0) holds one.
	c, err := net.Dial("tcp", remote.String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return remote
}

func TestLimitIsTheUsersNotTheKernels(t *testing.T) {
	remote := fullListener(t)
	_, err := TCP(context.Background(), remote, Options{Limit: 50 * time.Millisecond})
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
	assert.EqualError(t, err, "connect: no answer within 0.05 s (--timeout): "+remote.String())
	assert.True(t, limit.Timeout())
}

func TestTheKernelsTimeoutKeepsItsErrno(t *testing.T) {
	remote := netip.MustParseAddrPort("10.4.2.10:50007")
	kernels := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)}
	for _, limit := range []time.Duration{0, time.Minute} {
		err := explain(kernels, remote, Options{Limit: limit}, 3057*time.Millisecond)
		assert.EqualError(t, err, "connect: ETIMEDOUT (110) connection timed out: 10.4.2.10:50007 after 3.06 s")
		assert.ErrorIs(t, err, syscall.ETIMEDOUT)
	}
}

func TestACancelledConnectIsNotAnError(t *testing.T) {
	remote := fullListener(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	enough := errors.New("enough")
	done := make(chan error, 1)
	go func() {
		_, err := TCP(ctx, remote, Options{})
		done <- err
	}()
	cancel(enough)
	assert.Equal(t, enough, <-done)
}

func TestResolve(t *testing.T) {
	for _, host := range []string{"10.1.1.10", "2001:db8::1"} {
		r := addr.Remote{Host: host, Port: 50007}
		got, err := Resolve(context.Background(), r)
		require.NoError(t, err)
		assert.Equal(t, []netip.AddrPort{netip.MustParseAddrPort(net.JoinHostPort(host, strconv.Itoa(50007)))}, got)
	}
	got, err := Resolve(context.Background(), addr.Remote{Host: "localhost", Port: 7})
	require.NoError(t, err)
	assert.Contains(t, got, netip.MustParseAddrPort("127.0.0.1:7"))
}
