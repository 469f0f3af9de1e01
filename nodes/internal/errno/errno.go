// Package errno words the errors of socket calls as the lessons print them, with
// the call, the errno's name and number, and the C library's text:
//
//	connect: ECONNREFUSED (111) connection refused: 10.4.2.10:50007
package errno

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Text names err by its errno, "ECONNREFUSED (111) connection refused". An
// expired deadline is "timed out" (no errno: it is Go's, not the kernel's), the
// peer's FIN is "EOF", and any other error without an errno is its own text.
func Text(err error) string {
	var no syscall.Errno
	var op *net.OpError
	switch {
	case errors.As(err, &no):
		return fmt.Sprintf("%s (%d) %s", unix.ErrnoName(no), int(no), no.Error())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timed out"
	case errors.Is(err, io.EOF):
		return "EOF"
	case errors.Is(err, net.ErrClosed):
		return "closed"
	case errors.As(err, &op):
		return op.Err.Error()
	}
	return err.Error()
}

// Name returns only the errno's name, "ECONNREFUSED", or what Text says where
// there is no errno.
func Name(err error) string {
	var no syscall.Errno
	if errors.As(err, &no) {
		return unix.ErrnoName(no)
	}
	return Text(err)
}

// Error is a socket call that failed.
type Error struct {
	Call   string // the socket call's name, such as "connect"
	Err    error  // what it returned
	Detail string // what it was called for, such as the remote transport address
}

// Wrap returns err as the failure of call. The call may be left empty for an
// error of package net, which knows which system call failed.
func Wrap(call string, err error, detail string) error {
	if call == "" {
		call = failedCall(err)
	}
	return &Error{Call: call, Err: err, Detail: detail}
}

// Error words the failure: call, errno, detail.
func (e *Error) Error() string {
	s := Text(e.Err)
	if e.Call != "" {
		s = e.Call + ": " + s
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns what the call returned.
func (e *Error) Unwrap() error { return e.Err }

// failedCall is the name of the system call that package net says failed.
func failedCall(err error) string {
	var call *os.SyscallError
	if errors.As(err, &call) {
		return call.Syscall
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op
	}
	return ""
}
