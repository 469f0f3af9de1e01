package scenarios

import (
	"fmt"
	"io"
	"sync"
)

// maxOutput is how many bytes one command of a lesson may print. Nobody reads
// more, and a command that prints without end must not fill the memory.
const maxOutput = 1 << 20

var errTooMuch = fmt.Errorf("printed more than %d bytes", maxOutput)

// capture keeps what a command prints, shows it to a second writer if there is
// one, and tells one reader that there is more.
type capture struct {
	show io.Writer   // or nil
	full func(error) // called when there is too much
	grew chan struct{}

	mu  sync.Mutex
	buf []byte
}

func newCapture(show io.Writer, full func(error)) *capture {
	return &capture{show: show, full: full, grew: make(chan struct{}, 1)}
}

// Write implements io.Writer.
func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	tooMuch := len(c.buf)+len(p) > maxOutput
	if !tooMuch {
		c.buf = append(c.buf, p...)
	}
	c.mu.Unlock()
	if tooMuch {
		c.full(errTooMuch)
		return 0, errTooMuch
	}
	select {
	case c.grew <- struct{}{}:
	default: // the reader has not looked since the last time
	}
	if c.show != nil {
		return c.show.Write(p)
	}
	return len(p), nil
}

// String is all that has been printed.
func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.buf)
}
