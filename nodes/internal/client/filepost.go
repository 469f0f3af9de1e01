package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/crosslan/crosslan/nodes/internal/transfer"
)

// content is a file to be sent.
type content struct {
	io.Reader
	name  string
	size  int64
	close func() error
}

// open opens the file at path, or makes one up.
func (f *file) open(path string) (*content, error) {
	if f.generate != "" {
		size, err := humanize.ParseBytes(f.generate)
		if err != nil {
			return nil, err
		}
		return &content{madeUp(), filepath.Base(path), int64(size), func() error { return nil }}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &content{file, filepath.Base(path), info.Size(), file.Close}, nil
}

// madeUp returns bytes without end that look random and are always the same.
func madeUp() io.Reader {
	var seed [32]byte
	copy(seed[:], "crosslan")
	return rand.NewChaCha8(seed)
}

// requestPause separates the request from the header: the tutorial's server takes
// one recv for the request, and what has come with it would be lost.
const requestPause = 100 * time.Millisecond

// post sends a file. The protocol has no word for success, so this side ends, and
// that the server then ends its own without a word says that it has the file.
func (f *file) post(ctx context.Context, s *stream, path string) error {
	c, err := f.open(path)
	if err != nil {
		return err
	}
	defer c.close()
	if f.breakOff != "" {
		size, err := humanize.ParseBytes(f.breakOff)
		if err != nil {
			return err
		}
		c.Reader = io.LimitReader(c.Reader, int64(size))
	}
	name := f.name
	if name == "" {
		name = c.name
	}
	header, err := transfer.Header{Filename: c.name, Size: c.size}.Encode()
	if err != nil {
		return fmt.Errorf("post %s: %w", path, err)
	}
	if err := s.send([]byte(transfer.Request{Method: transfer.Post, Name: name}.String())); err != nil {
		return err
	}
	select {
	case <-time.After(requestPause):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.send(header); err != nil {
		return err
	}
	begin := time.Now()
	digest, err := f.sendWatching(s, c)
	if err != nil {
		return s.failedTransfer("post "+name, err)
	}
	printTransferred(s.events, "posted", name, c.size, time.Since(begin))
	printDigest(s.events, name, digest)
	return nil
}

// sendWatching sends the file and listens at the same time for the server's
// refusal, which may come at any moment.
func (f *file) sendWatching(s *stream, c *content) (transfer.Digest, error) {
	if err := s.socket.SetReadDeadline(time.Time{}); err != nil {
		return transfer.Digest{}, err
	}
	w := &watching{timed: timed{s}, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		_, w.word = transfer.ReadHeader(bufio.NewReader(s.socket))
	}()
	progress := newProgress(s.events, f.out, c.size)
	digest, err := transfer.Send(w, c, c.size, progress.add)
	if err == nil {
		err = s.socket.CloseWrite()
	}
	limit := s.timeout
	if err != nil {
		limit = lastWord
	}
	if limitErr := s.socket.SetReadDeadline(time.Now().Add(limit)); limitErr != nil {
		s.close() // which ends the goroutine as well
	}
	<-w.ended
	return digest, w.outcome(err)
}

// lastWord is how long a server may take to say why it ended the connection.
const lastWord = time.Second

// watching writes until the server says something, which can only be a refusal, or
// ends its side.
type watching struct {
	timed
	ended chan struct{} // closed when there is a last word
	word  error         // what it was: a refusal, io.EOF, or the error of a read
}

func (w *watching) Write(p []byte) (int, error) {
	select {
	case <-w.ended:
		return 0, errBrokenOff
	default:
		return w.timed.Write(p)
	}
}

// errBrokenOff is a server that ended the connection before it had the file.
var errBrokenOff = errors.New("the server broke off")

// outcome is why the file did not get across, or nil: sending is the error of that,
// if it failed.
func (w *watching) outcome(sending error) error {
	var refused *transfer.RefusedError
	switch {
	case errors.As(w.word, &refused):
		return w.word
	case sending != nil:
		return sending
	case w.word == io.EOF:
		return nil
	}
	return w.word
}
