package service

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// bindError words why spec's address could not be bound, and what to do.
func bindError(spec Spec, err error) error {
	detail := spec.Addr.String()
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		detail += fmt.Sprintf(" (is another server running? choose another: %s=:%d)", spec.Name, otherPort(spec.Addr.Port()))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		detail += fmt.Sprintf(" (no interface of this machine has the address; for all of them: %s=:%d)", spec.Name, spec.Addr.Port())
	case errors.Is(err, syscall.EACCES):
		detail += fmt.Sprintf(" (the port is for root; choose one above 1023: %s=:%d)", spec.Name, 8000)
	}
	return errno.Wrap("", err, detail)
}

// otherPort suggests a port beside one that is taken.
func otherPort(taken uint16) uint16 {
	if taken == 65535 {
		return taken - 1
	}
	return taken + 1
}
