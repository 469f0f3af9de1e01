package portmap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// resetAddr is a Unix socket without a file. Such a name belongs to the network
// namespace, as the NAT does, so that "router flush" finds the server of its own.
var resetAddr = &net.UnixAddr{Name: "@crosslan-port-mapping", Net: "unix"}

// resetLimit is how long a reset may take.
const resetLimit = 5 * time.Second

// Reset has the router's server, if there is one, forget its leases and begin a new
// epoch, as a restart does. It returns when that is done.
func Reset(ctx context.Context) error {
	c, err := (&net.Dialer{}).DialContext(ctx, resetAddr.Net, resetAddr.Name)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil // nobody maps ports
	}
	if err != nil {
		return errno.Wrap("connect", err, resetAddr.Name)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(resetLimit)); err != nil {
		return err
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		return fmt.Errorf("forget leases of ports: %s", errno.Text(err))
	}
	if len(answer) > 0 {
		return fmt.Errorf("forget leases of ports: %s", answer)
	}
	return nil
}

func listenResets() (*net.UnixListener, error) {
	l, err := net.ListenUnix(resetAddr.Net, resetAddr)
	if err != nil {
		return nil, errno.Wrap("", err, resetAddr.Name)
	}
	return l, nil
}

// serveResets resets whenever somebody connects, and answers by the error's text.
func (s *Server) serveResets(ctx context.Context, restarted chan<- struct{}) error {
	for {
		c, err := s.resets.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return errno.Wrap("accept", err, resetAddr.Name)
		}
		if err := s.leases.reset(); err != nil {
			_ = c.SetDeadline(time.Now().Add(resetLimit))
			_, _ = io.WriteString(c, err.Error()) // who asked sees the end, at least
		}
		c.Close()
		select {
		case restarted <- struct{}{}:
		default: // one announcement is enough for two resets
		}
	}
}
