package tunnel

import (
	"encoding/binary"
	"net"
)

// frameHeader is the size of the header of a frame of yamux: version, type, flags, stream,
// length.
const frameHeader = 12

// wholeFrames is the connection under a session. yamux writes the header of a frame and
// then its body; each would be a system call and a segment of its own. wholeFrames keeps
// the header until the body is there, and writes both at once. A session has one writer.
type wholeFrames struct {
	net.Conn
	header [frameHeader]byte
	held   bool
	parts  [2][]byte
}

// Write writes b, or keeps it if it is the header of a frame with a body.
func (w *wholeFrames) Write(b []byte) (int, error) {
	if w.held {
		w.held = false
		w.parts = [2][]byte{w.header[:], b}
		buffers := net.Buffers(w.parts[:])
		n, err := buffers.WriteTo(w.Conn)
		return int(max(0, n-frameHeader)), err
	}
	if hasBody(b) {
		copy(w.header[:], b)
		w.held = true
		return len(b), nil
	}
	return w.Conn.Write(b)
}

// hasBody reports whether b is the header of a frame of type data that is not empty. In the
// other types the length means something else.
func hasBody(b []byte) bool {
	const version, data = 0, 0
	return len(b) == frameHeader && b[0] == version && b[1] == data && binary.BigEndian.Uint32(b[8:]) > 0
}
