package turn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// left is why a connection ended that its client has closed.
const left = "its client closed the connection"

var errFrame = errors.New("neither STUN nor ChannelData")

// stream is a client's TCP connection: a reader and a writer, so that a client who
// takes nothing holds up nobody but itself.
type stream struct {
	*net.TCPConn
	side *tcpSide
	flow flow

	mu     sync.Mutex
	frames [][]byte
	queued int
	more   chan struct{} // has one when frames has some
	done   chan struct{}
}

func newStream(t *tcpSide, c *net.TCPConn) *stream {
	return &stream{
		TCPConn: c, side: t, flow: flow{addr.Of(c.RemoteAddr()), addr.Of(c.LocalAddr())},
		more: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// run reads and writes until the connection ends, and returns why it did.
func (s *stream) run() string {
	var writer sync.WaitGroup
	var slow error
	writer.Go(func() { slow = s.write() })
	why := s.read()
	close(s.done)
	s.Close()
	writer.Wait()
	if errors.Is(slow, os.ErrDeadlineExceeded) {
		return "its client took nothing for " + s.side.relay.config.frameLimit.String()
	}
	return why
}

// read takes messages and ChannelData until the connection ends.
func (s *stream) read() string {
	r := bufio.NewReader(s)
	for {
		if why := s.wait(r); why != "" {
			return why
		}
		_ = s.SetReadDeadline(time.Now().Add(s.side.relay.config.frameLimit))
		b, err := readFrame(r)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return "a message took longer than " + s.side.relay.config.frameLimit.String()
		case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
			return left
		case errors.Is(err, errFrame):
			return err.Error() // where the next message begins nobody knows
		case err != nil:
			return errno.Text(err)
		}
		if isChannelData(b) {
			s.side.channelData(s.flow, binary.BigEndian.Uint16(b), b[channelHeader:])
			continue
		}
		s.side.message(s.side, s.flow, b)
	}
}

// wait waits for the first byte of a message: as long as there is an allocation, and for
// a while without one. The result is not empty if there will be none.
func (s *stream) wait(r *bufio.Reader) string {
	begin, limit := time.Now(), s.side.relay.config.anonymousLimit
	for {
		_ = s.SetReadDeadline(time.Now().Add(limit))
		_, err := r.Peek(1)
		switch {
		case err == nil:
			return ""
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return left
		case s.side.find(s.flow) == nil && time.Since(begin) >= limit:
			return "no allocation for " + limit.String()
		}
	}
}

// readFrame reads a message or ChannelData, without its padding, from a stream
// (RFC 8656 section 12.5, RFC 8489 section 6.2.2). Memory is taken as bytes come, not
// as the length promises. A frame that breaks off is io.ErrUnexpectedEOF.
func readFrame(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, unexpected(err)
	}
	size, padding := int(binary.BigEndian.Uint16(head[2:])), 0
	switch head[0] >> 6 {
	case 0:
		if size%4 != 0 {
			return nil, errFrame
		}
		if head, err = r.Peek(8); err != nil {
			return nil, unexpected(err)
		}
		if binary.BigEndian.Uint32(head[4:]) != cookie {
			return nil, errFrame
		}
		size += stunHeader
	case 1:
		if n := binary.BigEndian.Uint16(head); n > lastChannel {
			return nil, errFrame
		}
		padding = -size & 3
		size += channelHeader
	default:
		return nil, errFrame
	}
	b := make([]byte, min(size, r.Size()))
	for n := 0; ; {
		m, err := io.ReadFull(r, b[n:])
		if err != nil {
			return nil, unexpected(err)
		}
		if n += m; n == size {
			break
		}
		b = append(b, make([]byte, min(size-n, n))...)
	}
	if _, err := r.Discard(padding); err != nil {
		return nil, unexpected(err)
	}
	return b, nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

var errQueue = errors.New("the client is slow")

// enqueueFrame has b, with its padding, sent when the client takes it.
func (s *stream) enqueueFrame(b []byte) error {
	frame := make([]byte, (len(b)+3)&^3)
	copy(frame, b)
	s.mu.Lock()
	if s.queued+len(frame) > maxQueued {
		s.mu.Unlock()
		return errQueue
	}
	s.frames = append(s.frames, frame)
	s.queued += len(frame)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

// write sends what is queued until the connection ends.
func (s *stream) write() error {
	for {
		select {
		case <-s.done:
			return nil
		case <-s.more:
		}
		s.mu.Lock()
		frames := net.Buffers(s.frames)
		s.frames = nil
		s.mu.Unlock()
		var size int
		for _, f := range frames {
			size += len(f)
		}
		_ = s.SetWriteDeadline(time.Now().Add(s.side.relay.config.frameLimit))
		if _, err := frames.WriteTo(s.TCPConn); err != nil {
			s.Close() // the reader hears of it
			return err
		}
		s.mu.Lock()
		s.queued -= size
		s.mu.Unlock()
	}
}
