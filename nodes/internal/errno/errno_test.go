package errno

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestText(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	tests := []struct {
		err        error
		text, name string
	}{
		{syscall.EHOSTUNREACH, "EHOSTUNREACH (113) no route to host", "EHOSTUNREACH"},
		{refused, "ECONNREFUSED (111) connection refused", "ECONNREFUSED"},
		{fmt.Errorf("wrapped: %w", refused), "ECONNREFUSED (111) connection refused", "ECONNREFUSED"},
		{syscall.ETIMEDOUT, "ETIMEDOUT (110) connection timed out", "ETIMEDOUT"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "timed out", "timed out"},
		{io.EOF, "EOF", "EOF"},
		{&net.OpError{Op: "read", Err: net.ErrClosed}, "closed", "closed"},
		{&net.OpError{Op: "dial", Err: fmt.Errorf("odd")}, "odd", "odd"},
		{fmt.Errorf("plain"), "plain", "plain"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.text, Text(tt.err))
		assert.Equal(t, tt.name, Name(tt.err))
	}
}

func TestWrap(t *testing.T) {
	inUse := &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	err := Wrap("", inUse, "0.0.0.0:50007")
	assert.EqualError(t, err, "bind: EADDRINUSE (98) address already in use: 0.0.0.0:50007")
	assert.ErrorIs(t, err, syscall.EADDRINUSE)
	assert.EqualError(t, Wrap("recv", io.EOF, ""), "recv: EOF")
	assert.EqualError(t, Wrap("", &net.OpError{Op: "accept", Err: fmt.Errorf("odd")}, ""), "accept: odd")
	assert.EqualError(t, Wrap("", fmt.Errorf("odd"), ""), "odd")
}
