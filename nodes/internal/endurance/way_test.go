package endurance

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/relay"
)

// way is how a connection is used and ended by its two ends. Both say how they saw it
// end: a nil error is as it must be.
type way struct {
	name string
	// client is one end; it has yet to send the way's code, by which the target knows
	// what to do.
	client func(c *net.TCPConn) error
	target func(c *net.TCPConn) error
}

// ways are every way to end. The index is the code.
var ways = []way{
	{"FIN from client, then from target",
		func(c *net.TCPConn) error { return errors.Join(c.CloseWrite(), readEnd(c, "bye")) },
		func(c *net.TCPConn) error { return errors.Join(readEnd(c, ""), say(c, "bye")) }},
	{"FIN from target, then from client",
		func(c *net.TCPConn) error { return errors.Join(readEnd(c, "bye"), say(c, "late"), c.CloseWrite()) },
		func(c *net.TCPConn) error { return errors.Join(say(c, "bye"), c.CloseWrite(), readEnd(c, "late")) }},
	{"FIN from both",
		func(c *net.TCPConn) error { return errors.Join(c.CloseWrite(), readEnd(c, "")) },
		func(c *net.TCPConn) error { return errors.Join(c.CloseWrite(), readEnd(c, "")) }},
	{"RST from client",
		func(c *net.TCPConn) error { err := hear(c, "go"); relay.Reset(c); return err },
		func(c *net.TCPConn) error { return errors.Join(say(c, "go"), readReset(c)) }},
	{"RST from target",
		func(c *net.TCPConn) error { return errors.Join(say(c, "go"), readReset(c)) },
		func(c *net.TCPConn) error { err := hear(c, "go"); relay.Reset(c); return err }},
	{"RST from client after its FIN",
		func(c *net.TCPConn) error {
			err := errors.Join(c.CloseWrite(), hear(c, "go"))
			relay.Reset(c)
			return err
		},
		func(c *net.TCPConn) error { return errors.Join(readEnd(c, ""), say(c, "go"), writeReset(c)) }},
	{"silence", readReset, readReset},
}

// silence is the code of the way in which nobody ends.
var silence = byte(len(ways) - 1)

// serveWay is a target: it does what the first byte says, and reports how that ended.
// A client that leaves before it has said anything is none of its business.
func serveWay(c *net.TCPConn, report func(w way, err error)) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	var code [1]byte
	if _, err := io.ReadFull(c, code[:]); err != nil {
		return
	}
	if int(code[0]) >= len(ways) {
		report(way{name: "a byte that no client sent"}, fmt.Errorf("%#02x", code[0]))
		return
	}
	w := ways[code[0]]
	report(w, w.target(c))
}

func say(c net.Conn, s string) error {
	_, err := io.WriteString(c, s)
	return err
}

func hear(c net.Conn, want string) error {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != want {
		return fmt.Errorf("%q in place of %q", got, want)
	}
	return nil
}

// readEnd reads what is left, which must be want and end by a FIN.
func readEnd(c net.Conn, want string) error {
	got, err := io.ReadAll(c)
	if err == nil && string(got) != want {
		err = fmt.Errorf("%q in place of %q", got, want)
	}
	return err
}

// readReset reads nothing, which must end by an RST.
func readReset(c *net.TCPConn) error {
	n, err := c.Read(make([]byte, 1))
	if n > 0 {
		return errors.New("a byte in place of an RST")
	}
	return wantReset(err)
}

// writeReset writes until there is an RST: after a FIN, reading would go on to return it.
func writeReset(c *net.TCPConn) error {
	for {
		if _, err := c.Write([]byte("x")); err != nil {
			return wantReset(err)
		}
		// The RST has to come by way of the relay.
		time.Sleep(time.Millisecond)
	}
}

func wantReset(err error) error {
	if errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE) {
		return nil
	}
	return fmt.Errorf("in place of an RST: %w", err)
}
