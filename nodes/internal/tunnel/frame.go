package tunnel

import (
	"encoding/binary"
	"io"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	headerSize = 2
	maxFrame   = 1<<16 - 1
)

// frames lends buffers for a frame with its header, so that a connection over which
// nothing moves has none.
var frames = sync.Pool{New: func() any { return new([headerSize + maxFrame]byte) }}

// putHeader writes the header of a frame of n bytes, which follow it in b.
func putHeader(b []byte, n int) { binary.BigEndian.PutUint16(b, uint16(n)) }

// readHeader reads how many bytes the next frame has.
func readHeader(r io.Reader) (int, error) {
	var b [headerSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint16(b[:])), nil
}

// readFrame reads the next frame, and hands it to take while the buffer is lent.
func readFrame(r io.Reader, take func(b []byte) error) error {
	n, err := readHeader(r)
	if err != nil {
		return err
	}
	if n == 0 {
		return take(nil)
	}
	buf := frames.Get().(*[headerSize + maxFrame]byte)
	defer frames.Put(buf)
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return take(buf[:n])
}

// readBehindHeader reads from a socket into a lent buffer, behind room for a header. The
// buffer is taken only when there is something, so that a socket on which nothing
// arrives has none; it is the caller's to put back, unless there is an error.
func readBehindHeader(raw syscall.RawConn) (buf *[headerSize + maxFrame]byte, n int, err error) {
	waitErr := raw.Read(func(fd uintptr) bool {
		buf = frames.Get().(*[headerSize + maxFrame]byte)
		for {
			n, err = unix.Read(int(fd), buf[headerSize:])
			if err != unix.EINTR {
				break
			}
		}
		if err != nil {
			frames.Put(buf)
		}
		return err != unix.EAGAIN
	})
	if waitErr != nil {
		err = waitErr
	}
	return buf, n, err
}
