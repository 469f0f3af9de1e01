package client

import (
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/sys/unix"
)

// trace prints a system call with its result, if --calls asks for it.
func (l *chatLoop) trace(n int, err error, call string, args ...any) {
	if l.calls {
		l.printCall(fmt.Sprintf(call, args...), n, err)
	}
}

// tracePoll is trace for poll, with what it was asked and what it found.
func (l *chatLoop) tracePoll(fds []unix.PollFd, n int, err error) {
	if !l.calls {
		return
	}
	var asked, found []string
	for _, fd := range fds {
		name := l.nameOf(fd.Fd)
		if name == "" {
			continue
		}
		asked = append(asked, name+" "+events(fd.Events))
		if fd.Revents != 0 {
			found = append(found, name+" "+events(fd.Revents))
		}
	}
	call := "poll([" + strings.Join(asked, ", ") + "])"
	if err == nil && len(found) > 0 {
		l.events.Print("call", fmt.Sprintf("%s = %d [%s]", call, n, strings.Join(found, ", ")),
			slog.String("call", call), slog.Int("result", n), slog.Any("found", found))
		return
	}
	l.printCall(call, n, err)
}

func (l *chatLoop) printCall(call string, n int, err error) {
	if no, ok := err.(unix.Errno); ok {
		name := unix.ErrnoName(no)
		l.events.Print("call", fmt.Sprintf("%s = -1 %s (%d)", call, name, int(no)),
			slog.String("call", call), slog.Int("result", -1), slog.String("errno", name))
		return
	}
	l.events.Print("call", fmt.Sprintf("%s = %d", call, n), slog.String("call", call), slog.Int("result", n))
}

// nameOf is what a descriptor is; the one that ends the loop is not part of the
// story.
func (l *chatLoop) nameOf(fd int32) string {
	switch int(fd) {
	case l.socket:
		return "socket"
	case l.in:
		return "keyboard"
	}
	return ""
}

// events words what poll is asked for, or has found.
func events(bits int16) string {
	var words []string
	for _, e := range []struct {
		bit  int16
		word string
	}{{unix.POLLIN, "IN"}, {unix.POLLOUT, "OUT"}, {unix.POLLERR, "ERR"}, {unix.POLLHUP, "HUP"}} {
		if bits&e.bit != 0 {
			words = append(words, e.word)
		}
	}
	return strings.Join(words, "|")
}
