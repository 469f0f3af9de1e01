package backoff

import (
	"context"
	"errors"
	"iter"
	"net"
)

// Accept yields the connections that come to l, until ctx is done or l is closed. When
// the kernel refuses one, failed is told, and the next try comes after a pause. A
// connection that comes when ctx is done is reset.
func Accept(ctx context.Context, l *net.TCPListener, failed func(error)) iter.Seq[*net.TCPConn] {
	return func(yield func(*net.TCPConn) bool) {
		delay := First
		for {
			c, err := l.AcceptTCP()
			switch {
			case ctx.Err() != nil:
				if err == nil {
					_ = c.SetLinger(0) // nobody will serve it
					c.Close()
				}
				return
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil:
				failed(err)
				delay = Pause(ctx, delay)
				continue
			}
			delay = First
			if !yield(c) {
				return
			}
		}
	}
}
