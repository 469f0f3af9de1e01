package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/crosslan/crosslan/nodes/internal/transfer"
)

func init() {
	All.Add(Service{
		Name:  "file",
		Port:  8086,
		About: "TCP: get NAME and post NAME, in the directory --dir",
		New: func(flags *pflag.FlagSet) Handlers {
			f := &files{max: 4 << 30, stall: positive(30 * time.Second), settle: settleFlag(flags)}
			flags.Var(&f.dir, "dir", "file: the directory to serve")
			flags.Var(&f.max, "max-size", "file: the largest file that is taken")
			flags.Var(&f.stall, "stall", "file: give up on a transfer that stands still for this long")
			return Handlers{Check: f.dir.check, Stream: f.serve}
		},
	})
}

// files serves the files of one directory.
type files struct {
	dir    directory
	max    byteSize
	stall  positive
	settle *positive
}

// serve answers requests until the client ends its side. A post that fails ends
// the connection, since nobody knows what of it is still on its way.
func (f *files) serve(_ context.Context, c *Conn) error {
	r := newRequests(c, time.Duration(*f.settle))
	for {
		b, err := r.next(transfer.RequestEnd)
		if err != nil {
			return err
		}
		if isBlank(b) {
			continue
		}
		request, err := transfer.ParseRequest(b)
		switch {
		case err != nil:
			err = c.refuse(string(b), err.Error(), transfer.EncodeMethodError())
		case request.Method == transfer.Get:
			err = f.get(c, request)
		default:
			if err := f.post(r, request); err != nil {
				return errors.Join(c.refuse(request.String(), forClient(err), transfer.EncodeError(forClient(err))), c.Finish())
			}
		}
		if err != nil {
			return err
		}
	}
}

// get sends a file, or a header that says why not.
func (f *files) get(c *Conn, request transfer.Request) error {
	file, size, err := transfer.Open(f.dir.Root, request.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return c.refuse(request.String(), "no such file", transfer.EncodeMissing(request.Name))
	}
	if err != nil {
		return c.refuse(request.String(), forClient(err), transfer.EncodeError(forClient(err)))
	}
	defer file.Close()
	header, err := transfer.Header{Filename: filepath.Base(request.Name), Size: size}.Encode()
	if err != nil {
		return c.refuse(request.String(), forClient(err), transfer.EncodeError(forClient(err)))
	}
	if _, err := c.Write(header); err != nil {
		return err
	}
	begin := time.Now()
	content := c.bulk(f.stall)
	digest, err := transfer.Send(content, file, size, func(int64) {})
	if err != nil {
		return fmt.Errorf("get %s: %w", request.Name, err)
	}
	if err := content.release(); err != nil {
		return err
	}
	c.journal.transferred("served", c.remote, request.Name, size, time.Since(begin))
	c.journal.digest(c.remote, request.Name, digest)
	return nil
}
