package tunnel

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"

	"github.com/crosslan/crosslan/nodes/internal/tcpinfo"
)

// carrier joins a TCP connection of this side to its stream, which leads to the
// connection of the other side.
type carrier struct {
	conn   *net.TCPConn
	stream *yamux.Stream
	here   place
	opened bool // the other side need not say whether it has connected

	sent, received atomic.Int64 // bytes of the connection into the stream, and out of it

	mu             sync.Mutex
	over           bool // nothing that happens now is the cause
	end            end
	sentFIN, ended bool // this side's FIN, the other side's
}

// carry carries both directions until both have ended, and returns how.
func (c *carrier) carry() end {
	var wg sync.WaitGroup
	wg.Go(c.send)
	c.receive()
	wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.conn.Close()
	c.stream.Close()
	return c.end
}

// abort ends the connection for the reason e, by an RST on both sides, unless it has
// ended.
func (c *carrier) abort(e end) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.end = e
	c.cutOff()
}

// Moved returns what its TCP connection has moved, and whether an error has ended it.
func (c *carrier) Moved() (bytes uint64, failed bool) { return tcpinfo.Moved(c.conn) }

// AbortIdle ends the connection since nothing has moved for limit.
func (c *carrier) AbortIdle(limit time.Duration) { c.abort(end{why: idle, time: limit}) }

// AbortFailed ends the connection for the error that has ended its TCP connection. Taken,
// the error turns into the end of the stream for who reads there, who has to find the
// connection over.
func (c *carrier) AbortFailed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	err := tcpinfo.Take(c.conn)
	if err == nil {
		return // who reads has it
	}
	c.end = failure(c.here, err)
	c.cutOff()
}

// cutOff ends both sides by an RST. The mutex is held.
func (c *carrier) cutOff() {
	c.over = true
	resetConn(c.conn)
	// Without a FIN frame before it, that is an RST to the other side.
	_ = c.stream.SetDeadline(time.Unix(1, 0))
	c.stream.Close()
}

// resetConn ends a connection by an RST.
func resetConn(c *net.TCPConn) {
	_ = c.SetLinger(0)
	c.Close()
}

// send carries what the connection receives into the stream.
func (c *carrier) send() {
	raw, err := c.conn.SyscallConn()
	if err != nil {
		c.abort(failure(c.here, err))
		return
	}
	for {
		n, err := c.sendFrame(raw)
		switch {
		case err != nil:
			c.abort(*err)
			return
		case n == 0:
			return
		}
		c.sent.Add(int64(n))
	}
}

// sendFrame carries one frame.
func (c *carrier) sendFrame(raw syscall.RawConn) (n int, e *end) {
	buf, n, err := readBehindHeader(raw)
	if err != nil {
		e := failure(c.here, err)
		return 0, &e
	}
	defer frames.Put(buf)
	if n == 0 {
		c.finish(c.here)
	}
	putHeader(buf[:], n)
	if _, err := c.stream.Write(buf[:headerSize+n]); err != nil {
		e := cut(c.stream, c.here.other(), err)
		return 0, &e
	}
	return n, nil
}

// receive carries what comes by the stream into the connection. After the other
// side's FIN it goes on to look for an abort, until this side's is sent as well.
func (c *carrier) receive() {
	if !c.opened {
		if err := readConnected(c.stream); err != nil {
			c.abort(cut(c.stream, c.here.other(), err))
			return
		}
	}
	for {
		var writeErr error
		var n int
		err := readFrame(c.stream, func(b []byte) error {
			n = len(b)
			_, writeErr = c.conn.Write(b)
			return nil
		})
		switch {
		case err != nil && c.both():
			return
		case err != nil:
			c.abort(cut(c.stream, c.here.other(), err))
			return
		case writeErr != nil:
			c.abort(failure(c.here, writeErr))
			return
		case n == 0:
			// A side that is gone already is reported by the other direction.
			_ = c.conn.CloseWrite()
			if c.finish(c.here.other()); c.both() {
				return
			}
		}
		c.received.Add(int64(n))
	}
}

// finish notes the FIN of a place. When both are there, nothing is left to receive.
func (c *carrier) finish(at place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at == c.here {
		c.sentFIN = true
	} else {
		c.ended = true
	}
	if c.end.why == "" {
		c.end = end{why: eof, from: at} // the first of the two
	}
	if c.sentFIN && c.ended {
		_ = c.stream.SetReadDeadline(time.Unix(1, 0))
	}
}

func (c *carrier) both() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sentFIN && c.ended
}
