package tunnel

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/hashicorp/yamux"
	"golang.org/x/sys/unix"
)

// Options are those of the relay's side.
type Options struct {
	// Listen is where clients dial to.
	Listen netip.AddrPort
	// Publish is the address of the relay that ports are published on. The zero
	// Addr stands for that of Listen.
	Publish netip.Addr
	// Token is the secret that a client must have.
	Token []byte
	// Allowed are the ports that clients may publish.
	Allowed Ports
	// Keepalive is how often the line is tried when nothing moves, in each
	// direction. A line that does not answer within ten seconds is dead.
	Keepalive time.Duration
	// Idle ends an outside TCP connection over which nothing has moved, in either
	// direction, for so long. Zero never does.
	Idle time.Duration
	// Lifetime ends a UDP session over which nothing has moved for so long.
	Lifetime time.Duration
	// MaxConnections bounds the outside TCP connections at once, of all clients.
	// One more waits in the kernel's accept queue until another ends.
	MaxConnections int
	// MaxSessions bounds the UDP sessions at once of each published port. What
	// would begin one more is dropped.
	MaxSessions int
}

// defaultKeepalive is well below the time after which home routers forget a quiet TCP
// connection: RFC 5382 REQ-5 asks for two hours, many give minutes.
const defaultKeepalive = 15 * time.Second

// DefaultOptions returns what a relay does unless told otherwise; the token has no
// default. Times are those of relay tcp and relay udp.
func DefaultOptions() Options {
	o := Options{
		Allowed: Unprivileged, Keepalive: defaultKeepalive,
		Idle: 5 * time.Minute, Lifetime: 2 * time.Minute,
		MaxConnections: 1 << 14, MaxSessions: 1 << 10,
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil {
		o.MaxConnections = max(1, min(o.MaxConnections, int(limit.Cur/2)))
	}
	return o
}

func (o Options) check() error {
	switch {
	case len(o.Token) == 0:
		return fmt.Errorf("which token? Give --token or --token-file, the same as the client's")
	case o.Keepalive <= 0:
		return fmt.Errorf("--keepalive %v: want a duration above 0", o.Keepalive)
	case o.Idle < 0:
		return fmt.Errorf("--idle %v: want a duration, or 0 for no limit", o.Idle)
	case o.Lifetime <= 0:
		return fmt.Errorf("--lifetime %v: want a duration above 0", o.Lifetime)
	case o.MaxConnections < 1:
		return fmt.Errorf("--max-connections %d: want at least 1", o.MaxConnections)
	case o.MaxSessions < 1:
		return fmt.Errorf("--max-sessions %d: want at least 1", o.MaxSessions)
	}
	return nil
}

// window is how many bytes of a stream may be under way or lie with a receiver that
// does not take them: enough for 1 Gb/s over 8 ms. So much memory, at the most, has a
// connection whose receiver is slow; the others do not wait for it.
const window = 1 << 20

// defaultLineTimeout is how long the line may take to send a frame or to answer.
const defaultLineTimeout = 10 * time.Second

// startSession begins yamux on a connection whose handshake is over.
func startSession(c net.Conn, side side, keepalive, timeout time.Duration) (*yamux.Session, error) {
	config := yamux.DefaultConfig()
	config.KeepAliveInterval = keepalive
	config.ConnectionWriteTimeout = timeout
	config.MaxStreamWindowSize = window
	config.LogOutput = io.Discard // what matters is told as an event
	line := &wholeFrames{Conn: c}
	if side == clientSide {
		return yamux.Client(line, config)
	}
	return yamux.Server(line, config)
}
