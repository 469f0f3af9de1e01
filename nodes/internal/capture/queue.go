package capture

import (
	"bytes"
	"context"
	"errors"
	"os"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

const (
	queueFrames = 1 << 16
	queueBytes  = 64 << 20
)

// queue is what a socket has received and nobody has shown yet. A packet takes longer
// to show than to receive, and the kernel's own buffer holds only a few of those that
// carry 64 KiB.
type queue struct {
	frames chan frame
	room   *semaphore.Weighted // in bytes
	reader errgroup.Group
	cancel context.CancelFunc
}

// startQueue reads frames from s until ctx is done or stop is called.
func startQueue(ctx context.Context, s *socket) *queue {
	q := &queue{frames: make(chan frame, queueFrames), room: semaphore.NewWeighted(queueBytes)}
	ctx, q.cancel = context.WithCancel(ctx)
	interrupt := context.AfterFunc(ctx, s.interrupt)
	q.reader.Go(func() error {
		defer interrupt()
		defer close(q.frames)
		return q.read(ctx, s)
	})
	return q
}

// read fills the queue. When it is full the kernel is left to count what is lost.
func (q *queue) read(ctx context.Context, s *socket) error {
	for {
		f, err := s.next()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		f.data = bytes.Clone(f.data)
		if q.room.Acquire(ctx, int64(len(f.data))) != nil {
			return nil
		}
		select {
		case q.frames <- f:
		case <-ctx.Done():
			return nil
		}
	}
}

// next waits for the next frame. It reports false when there are no more, or ctx is
// done.
func (q *queue) next(ctx context.Context) (frame, bool) {
	if ctx.Err() != nil {
		return frame{}, false
	}
	select {
	case f, ok := <-q.frames:
		q.room.Release(int64(len(f.data)))
		return f, ok
	case <-ctx.Done():
		return frame{}, false
	}
}

// stop ends the reading and returns how many frames nobody has taken.
func (q *queue) stop() (left int, err error) {
	q.cancel()
	err = q.reader.Wait()
	for range q.frames {
		left++
	}
	return left, err
}
