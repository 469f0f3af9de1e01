package service

import (
	"errors"
	"os"

	"github.com/dustin/go-humanize"
)

// directory is the value of a flag that names a directory. It is a pflag.Value.
type directory struct{ *os.Root }

func (d *directory) Type() string { return "DIR" }

func (d *directory) String() string {
	if d.Root == nil {
		return ""
	}
	return d.Name()
}

// Set opens the directory, for as long as the process runs.
func (d *directory) Set(name string) (err error) {
	d.Root, err = os.OpenRoot(name)
	return err
}

func (d *directory) check() error {
	if d.Root == nil {
		return errors.New("which directory? Give --dir /data")
	}
	return nil
}

// byteSize is the value of a flag such as 100MB. It is a pflag.Value.
type byteSize int64

func (s *byteSize) String() string { return humanize.IBytes(uint64(*s)) }
func (s *byteSize) Type() string   { return "size" }

func (s *byteSize) Set(text string) error {
	n, err := humanize.ParseBytes(text)
	if err != nil || n > 1<<62 {
		return errors.New("must be a size such as 100MB or 4GiB")
	}
	*s = byteSize(n)
	return nil
}
