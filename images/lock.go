package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockRetry is how often a process asks for a lock that another holds: a file
// lock cannot be waited for and given up when a context ends.
const lockRetry = 50 * time.Millisecond

// lock waits until no other process of this user builds a node image. The
// caller calls unlock; a process that dies unlocks too.
func (b *builder) lock(ctx context.Context) (unlock func() error, err error) {
	file, err := lockFile()
	if err != nil {
		return nil, fmt.Errorf("wait for other builds: %w", err)
	}
	lock := flock.New(file)
	locked, err := lock.TryLock()
	if err == nil && !locked {
		b.report("waiting for another process that builds the node image")
		_, err = lock.TryLockContext(ctx, lockRetry)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("wait for other builds: %w", err), lock.Close())
	}
	return lock.Close, nil
}

// lockFile returns the path of the file that is locked. It is never removed: a
// process might have just opened it.
func lockFile() (string, error) {
	directory, err := os.UserCacheDir()
	if err != nil { // no home directory
		directory = os.TempDir()
	}
	directory = filepath.Join(directory, "crosslan")
	return filepath.Join(directory, "image.lock"), os.MkdirAll(directory, 0o700)
}
