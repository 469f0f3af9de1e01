package relay

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// side is one of the two ends that a relay stands between.
type side string

const (
	client side = "client"
	target side = "target"
)

// why is the reason for which a connection or session ended; the word is the one in JSON.
type why string

const (
	eof     why = "eof"      // a FIN from either side
	rst     why = "reset"    // an RST from a side
	failed  why = "error"    // another error on a side
	refused why = "refused"  // the target could not be connected to
	idle    why = "idle"     // nothing moved for the idle limit
	expired why = "lifetime" // nothing moved for a UDP session's lifetime
	stopped why = "stopped"  // the relay was told to stop
)

// end is how a connection or a session ended.
type end struct {
	why  why
	side side          // of eof (the first to end its direction), reset and error
	err  error         // of refused and error
	time time.Duration // of idle and lifetime
}

// failure is the end that an error at a side means.
func failure(at side, err error) end {
	// EPIPE is how the kernel reports an RST from a side that had sent its FIN.
	if errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE) {
		return end{why: rst, side: at}
	}
	return end{why: failed, side: at, err: err}
}

// String words the end for people.
func (e end) String() string { return e.words(string(client), string(target)) }

// words words the end, with names for the two sides.
func (e end) words(clientName, targetName string) string {
	at, other := clientName, targetName
	if e.side == target {
		at, other = other, at
	}
	switch e.why {
	case eof:
		return fmt.Sprintf("FIN from %s, then from %s", at, other)
	case rst:
		return fmt.Sprintf("RST from %s", at)
	case refused:
		return errno.Wrap("", e.err, "").Error()
	case idle:
		return fmt.Sprintf("idle for %v", e.time)
	case expired:
		return fmt.Sprintf("silent for %v", e.time)
	case stopped:
		return "relay stopped"
	}
	if e.side == "" {
		return errno.Text(e.err)
	}
	return fmt.Sprintf("%s from %s", errno.Text(e.err), at)
}
