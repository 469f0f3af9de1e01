package relay

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/watch"
)

// Carrier carries TCP connections that others have established: it is for the forms
// of relay that first talk with their clients, and is the same as `relay tcp` from
// there on (splice, half-close, RST, idle limit).
type Carrier struct {
	watch *watch.Watch
	pipes *pipePool
}

// NewCarrier returns a Carrier that ends a connection over which nothing has moved,
// in either direction, for idle; with 0 it never does.
func NewCarrier(idle time.Duration) *Carrier {
	return &Carrier{watch: watch.New(idle), pipes: newPipePool(maxPipes)}
}

// Run watches what is carried until ctx is cancelled. Without it there is no idle
// limit, and an RST of a side that is not being read is not seen.
func (c *Carrier) Run(ctx context.Context) error {
	c.watch.Run(ctx)
	return nil
}

// Close gives up the kernel's pipes. Every Carry must have returned, and none may follow.
func (c *Carrier) Close() { c.pipes.close() }

// Carry carries bytes both ways until both directions have ended, and closes both
// connections. When ctx is cancelled it resets them. Bytes that were read together
// with a handshake are the caller's to pass on before.
func (c *Carrier) Carry(ctx context.Context, client, target *net.TCPConn) Result {
	defer client.Close()
	defer target.Close()
	began := time.Now()
	pair, err := newConnection(client, target, c.pipes)
	if err != nil {
		return Result{end: end{why: failed, err: err}}
	}
	defer c.watch.Add(pair)()
	stop := context.AfterFunc(ctx, func() { pair.abort(end{why: stopped}) })
	defer stop()
	e := pair.carry()
	forth, back := pair.forth.carried(), pair.back.carried()
	return Result{
		Forth: forth.bytes(), Back: back.bytes(), Spliced: forth.spliced + back.spliced,
		Took: time.Since(began), end: e,
	}
}

// Result is what a connection carried, and how it ended.
type Result struct {
	Forth, Back int64 // bytes from client to target, and from target to client
	Spliced     int64 // bytes of both that went from kernel to kernel
	Took        time.Duration
	end         end
}

// String words the result as the event "closed" does.
func (r Result) String() string { return r.Words(string(client), string(target)) }

// Words is String with other names for the two sides.
func (r Result) Words(clientName, targetName string) string {
	return fmt.Sprintf("after %.2f s: %s forth, %s back, %s", r.Took.Seconds(),
		count(r.Forth, "byte"), count(r.Back, "byte"), r.end.words(clientName, targetName))
}

// Attrs returns the result for --log json, with the keys of `relay tcp`.
func (r Result) Attrs() []slog.Attr {
	return slices.Concat([]slog.Attr{
		slog.Int64("forth", r.Forth), slog.Int64("back", r.Back), slog.Int64("spliced", r.Spliced),
		slog.Float64("seconds", r.Took.Seconds()),
	}, r.end.attrs())
}

// Reset ends a connection by an RST, for an end that is not the other side's and must
// not look like it.
func Reset(c *net.TCPConn) { reset(c) }
