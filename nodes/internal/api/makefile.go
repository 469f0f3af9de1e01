package api

import (
	"bytes"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// bufferSize is how much Python's makefile asks recv for.
const bufferSize = 8192

// file is Python's makefile("r"): a buffer before recv.
type file struct {
	s      *story
	fd     int
	buffer []byte
	ended  bool
}

// makeFile is Python's makefile, which asks the kernel for nothing.
func (s *story) makeFile(fd int, note text) *file {
	_ = s.make(newCall("makefile", note, fd, `"r"`), func() (string, error) { return "a file", nil })
	return &file{s: s, fd: fd}
}

// readline is Python's readline: as many calls of recv as it takes to have the end
// of a line.
func (f *file) readline(note text) {
	_ = f.s.python(newCall("readline", note), func() (string, error) {
		for !f.ended && bytes.IndexByte(f.buffer, '\n') < 0 {
			b, err := f.s.recv(f.fd, bufferSize, 0, silent)
			if err != nil {
				return "", err
			}
			f.buffer = append(f.buffer, b...)
			f.ended = len(b) == 0
		}
		end := bytes.IndexByte(f.buffer, '\n') + 1
		if end == 0 {
			end = len(f.buffer)
		}
		line := f.buffer[:end]
		f.buffer = f.buffer[end:]
		return node.Quote(line), nil
	})
}
