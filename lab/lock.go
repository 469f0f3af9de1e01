package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// A lab's lock is held by the process that runs it, from before its first
// network is made until after its last is gone. The kernel lets go of it
// when that process dies, however it dies: a lab whose lock can be taken has
// no owner any more. Process numbers would be used again, and say nothing on
// systems without /proc.

// lockRetry is how often a taken lock is tried again: flock(2) cannot be
// waited for with a context.
const lockRetry = 20 * time.Millisecond

func lockPath(lab string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("crosslan-%d", os.Getuid()))
	}
	dir = filepath.Join(dir, "crosslan", "labs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the folder of lab locks: %w", err)
	}
	return filepath.Join(dir, lab+".lock"), nil
}

// acquire waits until no other process runs the lab of that name. waiting is
// called once if it has to wait.
func acquire(ctx context.Context, lab string, waiting func()) (*flock.Flock, error) {
	path, err := lockPath(lab)
	if err != nil {
		return nil, err
	}
	lock := flock.New(path)
	got, err := lock.TryLock()
	if err == nil && !got {
		waiting()
		_, err = lock.TryLockContext(ctx, lockRetry)
	}
	if err != nil {
		return nil, fmt.Errorf("wait for the lab %s that another process runs: %w", lab, err)
	}
	return lock, nil
}

// tryAcquire takes the lab's lock if nobody has it; nil if somebody does.
func tryAcquire(lab string) (*flock.Flock, error) {
	path, err := lockPath(lab)
	if err != nil {
		return nil, err
	}
	lock := flock.New(path)
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("try the lock of lab %s: %w", lab, err)
	}
	if !got {
		return nil, nil
	}
	return lock, nil
}
