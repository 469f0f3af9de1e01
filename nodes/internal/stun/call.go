package stun

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// The first SYN of a call, or the answer to it, may be lost, and the kernel sends the
// next only after a second. So there are several attempts, one after the other, which do
// not wait for each other. Only the first is from the port that was asked for: where the
// answer to a SYN was lost, the client holds on to half a connection that no other SYN
// from the same port fits.
const (
	callAttempts = 3
	callInterval = 200 * time.Millisecond
)

// attempt is what came of one attempt.
type attempt struct {
	conn *net.TCPConn
	err  error
}

// call connects from one transport address, or from another port of the same address, to
// a client. Silence ends it after two round trips more than the attempts take.
func call(ctx context.Context, from, to netip.AddrPort, roundTrip time.Duration) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, callAttempts*callInterval+2*roundTrip)
	defer cancel()
	results := make(chan attempt, callAttempts)
	for i := range time.Duration(callAttempts) {
		local := from
		if i > 0 {
			local = netip.AddrPortFrom(from.Addr(), 0)
		}
		go func() {
			c, err := connectAfter(ctx, i*callInterval, local, to)
			results <- attempt{c, err}
		}()
	}
	var got attempt
	for range callAttempts {
		a := <-results
		switch {
		case got.conn != nil && a.conn != nil:
			_ = a.conn.SetLinger(0)
			_ = a.conn.Close()
		case a.conn != nil || got.conn == nil && (got.err == nil || !isNetworks(got.err)):
			got = a
		}
		if a.conn != nil || !isSilence(a.err) && isNetworks(a.err) {
			cancel() // connected, or refused: the others would be as well
		}
	}
	if got.conn != nil {
		return got.conn, nil
	}
	return nil, got.err
}

// connectAfter connects after a delay.
func connectAfter(ctx context.Context, delay time.Duration, from, to netip.AddrPort) (*net.TCPConn, error) {
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(from), Control: shareAddress, KeepAlive: -1}
	c, err := d.DialContext(ctx, addr.Network("tcp", to), to.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// isNetworks tells whether it is the network, and not this node, that failed a call.
func isNetworks(err error) bool {
	for _, no := range []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EACCES} {
		if errors.Is(err, no) {
			return true
		}
	}
	return isSilence(err)
}

func isSilence(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// roundTrip is the time that a segment and its acknowledgement take on c.
func roundTrip(c *net.TCPConn) time.Duration {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	var rtt time.Duration
	// A connection that is gone has no round trip: the call will find out.
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			rtt = time.Duration(info.Rtt) * time.Microsecond
		}
	})
	return rtt
}
