package service

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// limitError is an expired time limit, named by the flag that sets it.
type limitError struct {
	flag  string
	limit time.Duration
}

func (e *limitError) Error() string {
	return fmt.Sprintf("stood still for %v (--%s)", e.limit, e.flag)
}

func (e *limitError) Unwrap() error { return os.ErrDeadlineExceeded }

// exceeded returns err, or a limitError if err is an expired deadline.
func exceeded(flag string, limit time.Duration, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &limitError{flag, limit}
	}
	return err
}
