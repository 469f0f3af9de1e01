package transfer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// SizeError is a header that has not the size that a header must have.
type SizeError struct {
	Size int
	Err  error // why it ended there; nil if something other than a header followed
}

func (e *SizeError) Error() string {
	s := fmt.Sprintf("a header of %d bytes; it must have %d", e.Size, HeaderSize)
	if e.Err != nil {
		s += " (" + errno.Text(e.Err) + ")"
	}
	return s
}

func (e *SizeError) Unwrap() error { return e.Err }

// ReadHeader reads a header and nothing that follows it. A server's refusal is a
// *RefusedError, whose padding stays unread, as no file follows.
//
// A header has 300 bytes. One of another size is an error, as the file would begin
// at the wrong byte; but for a bare one, an object with nothing in its "fill" and
// no padding behind it.
func ReadHeader(r *bufio.Reader) (Header, error) {
	object, err := readObject(r)
	if err != nil {
		return Header{}, err
	}
	h, fill, err := parseObject(object)
	if err != nil {
		return Header{}, err
	}
	padding, err := readPadding(r, HeaderSize-len(object))
	switch size := len(object) + padding; {
	case size == HeaderSize:
		return h, nil
	case padding == 0 && fill == "" && (err == nil || ended(err)):
		h.Bare = true
		return h, nil
	default:
		return Header{}, &SizeError{Size: size, Err: err}
	}
}

// readObject reads a JSON object of at most a header's size.
func readObject(r *bufio.Reader) ([]byte, error) {
	object := make([]byte, 0, HeaderSize)
	var s scanner
	for len(object) < HeaderSize {
		c, err := r.ReadByte()
		switch {
		case err != nil && len(object) == 0:
			return nil, err
		case err != nil:
			return nil, &SizeError{Size: len(object), Err: err}
		}
		object = append(object, c)
		if !s.step(c) {
			return nil, fmt.Errorf("the header does not begin with { but with %q", c)
		}
		if s.depth == 0 {
			return object, nil
		}
	}
	return nil, fmt.Errorf("the first %d bytes are no whole JSON object", HeaderSize)
}

// readPadding reads at most n bytes of padding, and returns how many there were and
// the error that ended them, if it was one.
func readPadding(r *bufio.Reader, n int) (int, error) {
	for i := range n {
		b, err := r.Peek(1)
		if err != nil {
			return i, err
		}
		if b[0] != ' ' && b[0] != 0 {
			return i, nil
		}
		if _, err := r.Discard(1); err != nil {
			return i, err
		}
	}
	return n, nil
}

// ended reports whether err means that nothing more comes, or not for now.
func ended(err error) bool {
	return err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded)
}
