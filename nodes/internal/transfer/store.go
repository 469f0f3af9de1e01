package transfer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// Store writes size bytes from r to the file name below root. They go to a file of
// another name first, which takes its name when it is complete: an upload that
// breaks off, a full disk and a process that is killed leave nothing under that
// name, and a file that was there before stays as it was.
func Store(root *os.Root, name string, r io.Reader, size int64, progress Progress) (digest Digest, err error) {
	if err := Check(root, name); err != nil {
		return Digest{}, err
	}
	part := filepath.Join(filepath.Dir(name), partPrefix+rand.Text())
	f, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return Digest{}, storeError(name, err)
	}
	defer func() {
		if err == nil {
			return
		}
		if removeErr := root.Remove(part); removeErr != nil {
			err = errors.Join(err, removeErr)
		}
	}()
	digest, err = Send(diskWriter{f, name}, r, size, progress)
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = storeError(name, closeErr)
	}
	if err != nil {
		return Digest{}, err
	}
	if err := root.Rename(part, name); err != nil {
		return Digest{}, storeError(name, err)
	}
	return digest, nil
}

// partPrefix begins the name of a file that is not complete.
const partPrefix = ".crosslan-part-"

// Check says why a file of that name cannot be stored below root, before any of it
// is sent.
func Check(root *os.Root, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if strings.HasPrefix(filepath.Base(name), partPrefix) {
		return fmt.Errorf("%s is a name of the server's own", name)
	}
	info, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return storeError(name, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is there and is not a file", name)
	}
	return nil
}

// Open opens the file name below root for sending. A file that is not there is
// fs.ErrNotExist.
func Open(root *os.Root, name string) (f *os.File, size int64, err error) {
	if err := CheckName(name); err != nil {
		return nil, 0, err
	}
	// Nothing but a file is opened in a way that could block.
	f, err = root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, storeError(name, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", name)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// diskWriter words the errors of a file's writes: they are not the connection's.
type diskWriter struct {
	file *os.File
	name string
}

func (w diskWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	if err != nil {
		err = storeError(w.name, err)
	}
	return n, err
}

// StoreError is a file that the file system does not let read or write.
type StoreError struct {
	Name string
	Err  error
}

func (e *StoreError) Error() string {
	if leaves(e.Err) {
		return e.Name + " leaves the served directory"
	}
	return e.Name + ": " + errno.Text(e.Err)
}

func (e *StoreError) Unwrap() error { return e.Err }

func storeError(name string, err error) error { return &StoreError{Name: name, Err: err} }

// leaves reports whether err is os.Root's refusal of a path that leads out of it,
// which has no name of its own.
func leaves(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Err.Error() == "path escapes from parent"
}
