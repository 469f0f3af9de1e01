package portmap

import (
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// journal prints what the server does, and counts.
type journal struct {
	events *node.Events

	grants, refusals, malformed atomic.Int64
}

// granted says that a host has a lease now.
func (j *journal) granted(event string, l lease, seconds uint32) {
	j.grants.Add(1)
	j.events.Print(event, fmt.Sprintf("%v for %d s by %s", l, seconds, l.by), append(l.attrs(), slog.Any("seconds", seconds))...)
}

// ended says that a lease is over: expired or deleted.
func (j *journal) ended(event string, l lease) {
	j.events.Print(event, l.String(), l.attrs()...)
}

// refused says that a request was answered by an error.
func (j *journal) refused(by string, from netip.AddrPort, err error) {
	j.refusals.Add(1)
	j.events.Print("refused", fmt.Sprintf("%v by %s: %v", from, by, err),
		slog.Any("remote", from), slog.String("by", by), slog.Any("error", err))
}

// ignored counts what was not answered, and says why.
func (j *journal) ignored(from netip.AddrPort, size int, err error) {
	j.malformed.Add(1)
	j.events.Print("ignored", fmt.Sprintf("%d bytes from %v: %v", size, from, err),
		slog.Any("remote", from), slog.Int("bytes", size), slog.Any("error", err))
}

// failed says that a call of the kernel's failed.
func (j *journal) failed(err error) {
	j.events.Print("error", "port mapping: "+err.Error(), slog.Any("error", err))
}

// stopped prints what was counted.
func (j *journal) stopped() {
	granted, refused, malformed := j.grants.Load(), j.refusals.Load(), j.malformed.Load()
	j.events.Print("stopped", fmt.Sprintf("port mapping %d granted, %d refused, %d ignored", granted, refused, malformed),
		slog.Int64("granted", granted), slog.Int64("refused", refused), slog.Int64("ignored", malformed))
}
