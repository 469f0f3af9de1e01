package backoff

import (
	"context"
	"errors"
	"iter"
	"net"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// Accept yields the connections that come to l, until ctx is done or l is closed. When
// the kernel has none to give, failed is told so in the words of an errno.Error, and the
// next try comes after a pause. A connection that comes when ctx is done is reset.
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
				failed(errno.Wrap("accept", err, "others wait"))
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
