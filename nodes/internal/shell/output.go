package shell

import (
	"bytes"
	"errors"
	"sync"
)

// budget is how much a command may print.
type budget struct {
	mu    sync.Mutex
	left  int
	over  bool
	spent func() // called when it is exceeded
}

var errSpent = errors.New("too much output")

// take returns how many of n bytes may be printed.
func (b *budget) take(n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left {
		b.over = true
		b.spent()
		n = b.left
	}
	b.left -= n
	return n
}

func (b *budget) exceeded() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over
}

// output is one of a command's two outputs.
type output struct {
	budget *budget
	buf    bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	n := o.budget.take(len(p))
	o.buf.Write(p[:n])
	if n < len(p) {
		return n, errSpent
	}
	return n, nil
}

// bytes returns what was printed, when the command has ended.
func (o *output) bytes() []byte { return o.buf.Bytes() }
