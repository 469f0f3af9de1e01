package tunnel

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// end is how a connection or a session ended.
type end struct {
	why  why
	from place         // of eof (the first to end its direction), reset and error
	err  error         // of refused and error
	time time.Duration // of idle and lifetime
}

// why is the reason for an end; the word is the one in JSON.
type why string

const (
	eof     why = "eof"      // a FIN from both sides
	reset   why = "reset"    // an RST from a side
	broken  why = "error"    // another error on a side
	refused why = "refused"  // the server could not be connected to
	idle    why = "idle"     // nothing moved for the idle limit
	expired why = "lifetime" // nothing moved for a UDP session's lifetime
	lost    why = "lost"     // the tunnel was
	stopped why = "stopped"  // this side was told to stop
)

// place is a side of the NAT.
type place string

const (
	outside place = "outside"
	inside  place = "inside"
)

func (p place) other() place {
	if p == outside {
		return inside
	}
	return outside
}

// failure is the end that an error of the TCP connection at a place means.
func failure(at place, err error) end {
	// EPIPE is how the kernel reports an RST from a side that had sent its FIN.
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return end{why: reset, from: at}
	}
	return end{why: broken, from: at, err: err}
}

// cut is the end that an error of the stream from a place means.
func cut(s *yamux.Stream, at place, err error) end {
	var refusal refusal
	switch {
	case errors.As(err, &refusal):
		return end{why: refused, err: refusal.error}
	case s.Session().IsClosed():
		return end{why: lost}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, yamux.ErrConnectionReset), errors.Is(err, yamux.ErrStreamClosed):
		return end{why: reset, from: at}
	}
	return end{why: broken, from: at, err: err}
}

// String words the end for people.
func (e end) String() string {
	switch e.why {
	case eof:
		return fmt.Sprintf("FIN from %s, then from %s", e.from, e.from.other())
	case reset:
		return fmt.Sprintf("RST from %s", e.from)
	case refused:
		return "connect inside: " + errno.Text(e.err)
	case idle:
		return fmt.Sprintf("idle for %v", e.time)
	case expired:
		return fmt.Sprintf("silent for %v", e.time)
	case lost:
		return "tunnel lost"
	case stopped:
		return "stopped"
	}
	return fmt.Sprintf("%s from %s", errno.Text(e.err), e.from)
}

func (e end) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("why", string(e.why))}
	if e.from != "" {
		attrs = append(attrs, slog.String("side", string(e.from)))
	}
	if e.err != nil {
		attrs = append(attrs, slog.String("error", errno.Text(e.err)))
	}
	return attrs
}
