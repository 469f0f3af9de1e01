package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// playing is one transcript that is being played.
type playing struct {
	ctx     context.Context
	addr    string
	network string
	timeout time.Duration
	pace    time.Duration // between bytes; 0 if messages are sent whole
	conns   map[int]*client
}

// client is one connection.
type client struct {
	net.Conn
	peer *Peer
}

// play plays a transcript and returns what was wrong, with the number of the step.
func (p Player) play(ctx context.Context, addr string, t *Transcript, mode Mode) (err error) {
	pl := &playing{ctx: ctx, addr: addr, network: "tcp", timeout: withDefault(p.Timeout, 10*time.Second), conns: map[int]*client{}}
	defer func() { err = errors.Join(err, pl.close()) }()
	steps := t.Steps
	switch {
	case t.Datagrams:
		pl.network = "udp"
	case mode == Merged:
		steps = merge(steps)
	case mode == Split:
		pl.pace = withDefault(p.Pace, time.Millisecond)
	}
	for i, s := range steps {
		if err := pl.do(s); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

func (pl *playing) close() error {
	var errs []error
	for _, c := range pl.conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func (pl *playing) do(s Step) error {
	c, err := pl.client(s.Conn)
	if err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(pl.timeout)); err != nil {
		return err
	}
	switch {
	case s.Expect != nil:
		return s.Expect(c.peer)
	case s.End:
		return c.Conn.(*net.TCPConn).CloseWrite()
	case pl.pace > 0:
		return pl.sendSlowly(c, s.Send)
	}
	_, err = c.Write(s.Send)
	return err
}

// client returns a connection, which is opened when it is first used.
func (pl *playing) client(number int) (*client, error) {
	if c, found := pl.conns[number]; found {
		return c, nil
	}
	d := net.Dialer{Timeout: pl.timeout}
	conn, err := d.DialContext(pl.ctx, pl.network, pl.addr)
	if err != nil {
		return nil, err
	}
	c := &client{Conn: conn, peer: &Peer{Reader: bufio.NewReaderSize(conn, 64<<10), Local: conn.LocalAddr(), conn: conn}}
	pl.conns[number] = c
	return c, nil
}

// sendSlowly sends each byte as a segment of its own (TCP_NODELAY is Go's default).
func (pl *playing) sendSlowly(c *client, b []byte) error {
	tick := time.NewTicker(pl.pace)
	defer tick.Stop()
	for i := range b {
		if err := c.SetDeadline(time.Now().Add(pl.timeout)); err != nil {
			return err
		}
		if _, err := c.Write(b[i : i+1]); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-pl.ctx.Done():
			return context.Cause(pl.ctx)
		}
	}
	return nil
}
