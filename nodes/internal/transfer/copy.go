package transfer

import (
	"errors"
	"fmt"
	"io"
)

// chunkSize is how much of a file is in memory at a time.
const chunkSize = 64 << 10

// Progress is told how many bytes have gone by so far, after each chunk.
type Progress func(done int64)

// ShortError is a file that ended too soon.
type ShortError struct{ Got, Want int64 }

func (e *ShortError) Error() string {
	return fmt.Sprintf("broke off after %d of %d bytes", e.Got, e.Want)
}

// Send copies size bytes of a file from r to w, in constant memory, and returns
// the file's digest. A file that has fewer is a *ShortError.
func Send(w io.Writer, r io.Reader, size int64, progress Progress) (Digest, error) {
	h := newHasher()
	b := make([]byte, chunkSize)
	for done := int64(0); done < size; {
		n, err := r.Read(b[:min(chunkSize, size-done)])
		if n > 0 {
			_, _ = h.Write(b[:n]) // a hash cannot fail
			if _, err := w.Write(b[:n]); err != nil {
				return Digest{}, err
			}
			done += int64(n)
			progress(done)
		}
		if err != nil && done < size {
			if errors.Is(err, io.EOF) {
				err = &ShortError{Got: done, Want: size}
			}
			return Digest{}, err
		}
	}
	return h.digest(), nil
}
