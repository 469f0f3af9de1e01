package client

import (
	"bufio"
	"context"
	"io"
	"iter"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// maxLine is the longest line that is read, in bytes; about as much as two ends
// that send before they receive can have in flight.
const maxLine = 64 << 10

// lines yields the lines of in until its end, an error, or the end of ctx.
func lines(ctx context.Context, in io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if f, ok := in.(*os.File); ok {
			r, err := newInterruptible(ctx, f)
			if err != nil {
				yield(nil, err)
				return
			}
			defer r.close()
			in = r
		}
		s := bufio.NewScanner(in)
		s.Buffer(nil, maxLine)
		for s.Scan() {
			if !yield(s.Bytes(), nil) {
				return
			}
		}
		if err := s.Err(); err != nil {
			yield(nil, err)
		}
	}
}

func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// interruptible reads a file, as a rule standard input, which knows no deadlines.
// When its context is done a read that waits returns.
type interruptible struct {
	ctx  context.Context
	file *os.File
	wake *os.File // its other end is closed when ctx is done
	stop func() bool
}

func newInterruptible(ctx context.Context, f *os.File) (*interruptible, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { w.Close() })
	return &interruptible{ctx: ctx, file: f, wake: r, stop: func() bool {
		w.Close()
		return stop()
	}}, nil
}

func (r *interruptible) close() {
	r.stop()
	r.wake.Close()
}

// Read waits until there is something to read or ctx is done.
func (r *interruptible) Read(p []byte) (int, error) {
	fds := []unix.PollFd{
		{Fd: int32(r.file.Fd()), Events: unix.POLLIN},
		{Fd: int32(r.wake.Fd()), Events: unix.POLLIN},
	}
	for {
		_, err := unix.Poll(fds, -1)
		if r.ctx.Err() != nil {
			return 0, context.Cause(r.ctx)
		}
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, os.NewSyscallError("poll", err)
		}
		return r.file.Read(p)
	}
}
