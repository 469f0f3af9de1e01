package nodetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Serve runs serve until the test ends, or stop is called. Both wait for it, and it must
// return no error.
func Serve(ctx context.Context, t testing.TB, serve func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			assert.NoError(t, err)
		case <-time.After(patience):
			assert.Fail(t, "what was to stop did not within "+patience.String())
		}
	})
	t.Cleanup(stop)
	return stop
}
