package service

import (
	"bufio"
	"fmt"
	"log/slog"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/transfer"
)

// headerLimit is how long each piece of a header may take: a header of 299 bytes is
// told from one whose last byte is still on its way by nothing else.
const headerLimit = 3 * time.Second

// post takes a file. Whatever goes wrong, nothing stays under its name that was not
// there before.
func (f *files) post(r *requests, request transfer.Request) error {
	// The name is judged before the header is read: the client may be told at once.
	if err := transfer.Check(f.dir.Root, request.Name); err != nil {
		return err
	}
	var header transfer.Header
	err := r.within(headerLimit, func() (err error) {
		header, err = transfer.ReadHeader(r.Reader)
		return err
	})
	if err != nil {
		return err
	}
	c := r.conn
	c.journal.header(c.remote, header)
	if err := transfer.CheckName(header.Filename); err != nil {
		return err
	}
	if header.Size > int64(f.max) {
		return fmt.Errorf("file_size %d is more than this server takes: %v (--max-size)", header.Size, &f.max)
	}
	begin := time.Now()
	content := c.bulk(f.stall)
	digest, err := transfer.Store(f.dir.Root, request.Name, &rest{r.Reader, content}, header.Size, func(int64) {})
	if err != nil {
		return err
	}
	if err := content.release(); err != nil {
		return err
	}
	c.journal.transferred("stored", c.remote, request.Name, header.Size, time.Since(begin))
	c.journal.digest(c.remote, request.Name, digest)
	return nil
}

// rest reads what follows a header: first what has come with it, then from the
// connection.
type rest struct {
	buffered *bufio.Reader
	bulk     *bulk
}

func (r *rest) Read(p []byte) (int, error) {
	if n := r.buffered.Buffered(); n > 0 {
		return r.buffered.Read(p[:min(len(p), n)])
	}
	return r.bulk.Read(p)
}

func (j journal) header(remote fmt.Stringer, h transfer.Header) {
	if j.quiet {
		return
	}
	text := fmt.Sprintf("%v filename %q file_size %d", remote, h.Filename, h.Size)
	if h.Bare {
		text += " (not padded)"
	}
	j.events.Print("header", text, slog.String("service", j.service), slog.Any("remote", remote),
		slog.String("filename", h.Filename), slog.Int64("file_size", h.Size), slog.Bool("padded", !h.Bare))
}
