package observe

import (
	"net"

	"github.com/crosslan/crosslan/nodes/internal/addr"
)

// Conn is a server's connection that answers its client's questions for the
// observed address and passes everything else to the service.
type Conn struct {
	net.Conn

	// Asked, if it is not nil, is called after each answer.
	Asked func()

	// A read of 20 bytes or fewer cannot tell a question from the beginning of
	// a longer chunk, so it goes through small, which is one byte longer.
	small [headerSize + 1]byte
	rest  []byte // of small, not yet read
}

// Read reads what is not a question. A question in between is answered and never
// seen.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) > headerSize {
		if len(c.rest) > 0 {
			return c.readRest(p), nil
		}
		return c.readChunk(p)
	}
	if len(c.rest) == 0 && len(p) > 0 {
		n, err := c.readChunk(c.small[:])
		if n == 0 {
			return 0, err
		}
		c.rest = c.small[:n] // an error is seen again by the next read
	}
	return c.readRest(p), nil
}

func (c *Conn) readRest(p []byte) int {
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n
}

// readChunk reads into p, which is longer than a question.
func (c *Conn) readChunk(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !IsRequest(p[:n]) {
			return n, err
		}
		if err := c.answer(p[:n]); err != nil {
			return 0, err
		}
	}
}

func (c *Conn) answer(request []byte) error {
	response, err := Response(request, addr.Of(c.RemoteAddr()))
	if err != nil {
		return err
	}
	if _, err := c.Write(response); err != nil {
		return err
	}
	if c.Asked != nil {
		c.Asked()
	}
	return nil
}
