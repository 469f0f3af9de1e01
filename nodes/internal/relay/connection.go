package relay

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/tcpinfo"
)

// connection is a client's TCP connection and the one to the target that belongs to it.
type connection struct {
	client, target *net.TCPConn
	forth, back    *pump // client to target, target to client

	mu   sync.Mutex
	over bool // nothing that happens now is the cause
	end  end
}

func newConnection(client, target *net.TCPConn, pipes *pipePool) (*connection, error) {
	c := &connection{client: client, target: target}
	var err error
	if c.forth, err = newPump(client, target, pipes); err != nil {
		return nil, err
	}
	if c.back, err = newPump(target, client, pipes); err != nil {
		return nil, err
	}
	return c, nil
}

// carry carries both directions until both have ended, and returns how.
func (c *connection) carry() end {
	var wg sync.WaitGroup
	wg.Go(func() { c.run(c.back, target, client) })
	c.run(c.forth, client, target)
	wg.Wait()
	return c.finish()
}

// run carries one direction, and passes on how it ends: a FIN as a FIN, anything
// else as an RST on both sides.
func (c *connection) run(p *pump, from, to side) {
	err := p.run()
	if err == nil {
		c.mu.Lock()
		if c.end.side == "" {
			c.end = end{why: eof, side: from} // the first of the two
		}
		c.mu.Unlock()
		// A side that is gone already is reported by the other pump.
		_ = p.dst.CloseWrite()
		return
	}
	at := from
	if errors.As(err, new(writeError)) {
		at = to
	}
	c.abort(failure(at, err))
}

// abort ends the connection for the reason e, by an RST on both sides, unless it has ended.
func (c *connection) abort(e end) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.over, c.end = true, e
	reset(c.client)
	reset(c.target)
}

// Moved returns what both of its TCP connections have moved, and whether an error has
// ended one of them.
func (c *connection) Moved() (bytes uint64, failed bool) {
	a, failedA := tcpinfo.Moved(c.client)
	b, failedB := tcpinfo.Moved(c.target)
	return a + b, failedA || failedB
}

// AbortFailed ends the connection for the error that has ended a side of it.
func (c *connection) AbortFailed() {
	if _, failed := tcpinfo.Moved(c.client); failed {
		c.abortFailed(client, c.client)
		return
	}
	c.abortFailed(target, c.target)
}

// AbortIdle ends the connection since nothing has moved for limit.
func (c *connection) AbortIdle(limit time.Duration) { c.abort(end{why: idle, time: limit}) }

// abortFailed ends the connection for the error that has ended the side at. Taken, the
// error turns into the end of the stream for the pump that reads there; that pump has to
// find the connection over.
func (c *connection) abortFailed(at side, conn *net.TCPConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	err := tcpinfo.Take(conn)
	if err == nil {
		return // the pump has it
	}
	c.over, c.end = true, failure(at, err)
	reset(c.client)
	reset(c.target)
}

// finish closes both sides. What the relay has taken and a side has not yet read is
// the kernel's to deliver.
func (c *connection) finish() end {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.client.Close()
	c.target.Close()
	return c.end
}
