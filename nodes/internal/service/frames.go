package service

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/pflag"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

func init() {
	All.Add(framedSink("sink-line", 8091, "TCP: as sink, and each line, whatever the chunks", scanLine))
	All.Add(framedSink("sink-length", 8092, "TCP: as sink, and each message with its length in 4 bytes before it", scanLength))
}

// framedSink is a sink whose messages have an end that does not depend on chunks.
func framedSink(name string, port uint16, about string, split bufio.SplitFunc) Service {
	return Service{Name: name, Port: port, About: about, New: func(flags *pflag.FlagSet) Handlers {
		s := &framed{sink: sink{size: recvFlag(flags), late: lateFlag(flags)}, split: split}
		return Handlers{Stream: s.serve}
	}}
}

type framed struct {
	sink
	split bufio.SplitFunc
}

func (f *framed) serve(ctx context.Context, c *Conn) error {
	if *f.late {
		if err := c.waitForEnd(ctx); err != nil {
			return err
		}
	}
	messages := bufio.NewScanner(&chunks{conn: c, size: f.size.value})
	messages.Buffer(nil, maxMessage+lengthSize+1)
	messages.Split(f.split)
	for messages.Scan() {
		c.journal.message(c.remote, messages.Bytes())
	}
	if err := messages.Err(); err != nil {
		return err
	}
	return io.EOF
}

// chunks reads by one recv each, of size bytes or fewer.
type chunks struct {
	conn *Conn
	size int
}

func (r *chunks) Read(p []byte) (int, error) { return r.conn.recv(p[:min(len(p), r.size)]) }

// maxMessage is the longest message, in bytes, and lengthSize that of its length.
const (
	maxMessage = 64 << 10
	lengthSize = 4
)

var errCut = errors.New("the stream ended within a message")

// scanLine is a bufio.SplitFunc for messages that a line end ends.
func scanLine(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if len(data) > maxMessage {
		return 0, nil, fmt.Errorf("no line end in %d bytes", maxMessage)
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errCut
	}
	return 0, nil, nil
}

// scanLength is a bufio.SplitFunc for messages that are preceded by their length,
// 4 bytes in network order, as Python's struct.pack("!I", length) makes them.
func scanLength(data []byte, atEOF bool) (advance int, token []byte, err error) {
	end := lengthSize
	if len(data) >= lengthSize {
		length := binary.BigEndian.Uint32(data)
		if length > maxMessage {
			return 0, nil, fmt.Errorf("a length of %d bytes; the most is %d", length, maxMessage)
		}
		end += int(length)
	}
	switch {
	case len(data) >= lengthSize && len(data) >= end:
		return end, data[lengthSize:end], nil
	case atEOF && len(data) > 0:
		return 0, nil, errCut
	}
	return 0, nil, nil
}

// message prints one message, where chunks are events of their own.
func (j journal) message(remote fmt.Stringer, b []byte) {
	j.events.Print("message", fmt.Sprintf("%v %s %s", remote, node.Bytes(len(b)), node.Quote(b)),
		slog.String("service", j.service), slog.Any("remote", remote), slog.Int("bytes", len(b)), slog.String("text", string(b)))
}
