package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// chatLoop is the one loop in which a chat happens. It never waits but in poll.
type chatLoop struct {
	*chat
	*stream
	socket int
	in     int // the descriptor of what is typed; -1 for none
	wake   int // becomes readable when the program is to end

	out   []byte // said, and not yet taken by the kernel
	heard []byte // received, without its line end so far
	typed []byte // read, without its line end so far

	begun   bool // the lines of --say are said
	reached bool // what --until names was heard
	leaving bool // nothing more will be said
	shut    bool // and the server knows
	ended   bool // the server has ended its side
}

// run goes round until the server has ended its side, which it does when this side
// has.
func (l *chatLoop) run(ctx context.Context, socket int) error {
	l.socket = socket
	if l.when == "" {
		l.begin()
	}
	last := time.Now() // when something happened
	for !l.ended {
		if err := l.shutdown(); err != nil {
			return err
		}
		n, err := l.poll(l.patience(last))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch {
		case err != nil:
			return err
		case n > 0:
			last = time.Now()
		case len(l.heard) > 0:
			l.hear()
		default:
			return fmt.Errorf("poll: timed out: nothing from %v for %s (--timeout)", l.remote, dial.Seconds(l.timeout))
		}
	}
	if l.until != "" && !l.reached {
		return l.hungUp(fmt.Sprintf("before %q was heard", l.until))
	}
	l.events.Print("closed", l.remote.String(), slog.Any("remote", l.remote))
	return nil
}

// patience is how long poll may wait, in milliseconds; -1 is for ever.
func (l *chatLoop) patience(last time.Time) int {
	switch {
	case len(l.heard) > 0:
		return int(settle.Milliseconds())
	case l.in >= 0 && !l.shut:
		return -1
	}
	return int(max(0, time.Until(last.Add(l.timeout)).Milliseconds()))
}

// poll waits for what can be done, and does it.
func (l *chatLoop) poll(timeout int) (int, error) {
	fds := []unix.PollFd{{Fd: int32(l.socket), Events: unix.POLLIN}, {Fd: int32(l.wake), Events: unix.POLLIN}}
	if len(l.out) > 0 {
		fds[0].Events |= unix.POLLOUT
	}
	if l.in >= 0 && !l.leaving {
		fds = append(fds, unix.PollFd{Fd: int32(l.in), Events: unix.POLLIN})
	}
	n, err := unix.Poll(fds, timeout)
	l.tracePoll(fds, n, err)
	if err == unix.EINTR {
		return 1, nil // as if something had happened
	}
	if err != nil {
		return 0, errno.Wrap("poll", err, "")
	}
	if fds[0].Revents&unix.POLLOUT != 0 {
		if err := l.transmit(); err != nil {
			return n, err
		}
	}
	if fds[0].Revents&^unix.POLLOUT != 0 {
		if err := l.receive(); err != nil {
			return n, err
		}
	}
	if len(fds) > 2 && fds[2].Revents != 0 {
		if err := l.read(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// receive takes all there is, until the kernel says EAGAIN.
func (l *chatLoop) receive() error {
	b := make([]byte, 4096)
	for {
		n, err := unix.Read(l.socket, b)
		l.trace(n, err, "recv(socket, %d)", len(b))
		switch {
		case err == unix.EAGAIN:
			return nil
		case err == unix.EINTR:
			continue
		case err != nil:
			return l.fail("recv", err)
		case n == 0:
			l.hear()
			l.ended = true
			return nil
		}
		l.heard = append(l.heard, b[:n]...)
		for {
			i := bytes.IndexByte(l.heard, '\n')
			if i < 0 {
				break
			}
			rest := l.heard[i+1:]
			l.heard = l.heard[:i]
			l.hear()
			l.heard = rest
		}
		if len(l.heard) > maxLine {
			return errors.New("recv: a line without end")
		}
	}
}

// hear prints the line in l.heard, and does what it is the sign for.
func (l *chatLoop) hear() {
	line := strings.TrimRight(string(l.heard), "\r")
	l.heard = nil
	if line == "" || l.reached {
		return
	}
	l.events.Print("heard", line, slog.String("text", line))
	if l.when != "" && strings.Contains(line, l.when) {
		l.begin()
	}
	if l.until != "" && strings.Contains(line, l.until) {
		l.reached = true
		l.leave()
	}
}

// begin says the lines of --say, once.
func (l *chatLoop) begin() {
	if l.begun {
		return
	}
	l.begun = true
	for _, line := range l.lines {
		l.say(line)
	}
	if len(l.lines) > 0 && l.until == "" {
		l.leave()
	}
}

// say puts a line into l.out.
func (l *chatLoop) say(line string) {
	if l.name != "" {
		line = l.name + ": " + line
	}
	l.events.Print("said", line, slog.String("text", line))
	l.out = append(append(l.out, line...), '\n')
}

func (l *chatLoop) leave() { l.leaving = true }

// transmit gives the kernel what it will take; the rest waits for its turn.
func (l *chatLoop) transmit() error {
	n, err := unix.Write(l.socket, l.out)
	l.trace(n, err, "send(socket, %d)", len(l.out))
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil
	}
	if err != nil {
		return l.fail("send", err)
	}
	l.out = l.out[n:]
	return nil
}

// shutdown tells the server that nothing more will be said.
func (l *chatLoop) shutdown() error {
	if !l.leaving || l.shut || l.ended || len(l.out) > 0 {
		return nil
	}
	l.shut = true
	err := unix.Shutdown(l.socket, unix.SHUT_WR)
	l.trace(0, err, "shutdown(socket, SHUT_WR)")
	if err != nil {
		return l.fail("shutdown", err)
	}
	return nil
}

// read takes what was typed.
func (l *chatLoop) read() error {
	b := make([]byte, 4096)
	n, err := unix.Read(l.in, b)
	l.trace(n, err, "read(keyboard, %d)", len(b))
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil
	case err != nil:
		return errno.Wrap("read", err, "standard input")
	case n == 0:
		l.sayTyped([]byte("\n"))
		l.leave()
		return nil
	}
	l.sayTyped(b[:n])
	return nil
}

// sayTyped says the lines that are complete with b.
func (l *chatLoop) sayTyped(b []byte) {
	l.typed = append(l.typed, b...)
	for {
		line, rest, found := bytes.Cut(l.typed, []byte{'\n'})
		if !found {
			return
		}
		if text := strings.TrimSpace(string(line)); text != "" {
			l.say(text)
		}
		l.typed = rest
	}
}
