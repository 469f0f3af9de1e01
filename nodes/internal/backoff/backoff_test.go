package backoff

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPauseDoublesUpToASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, delay := time.Now(), First
		for range 10 {
			delay = Pause(t.Context(), delay)
		}
		assert.Equal(t, last, delay)
		assert.Equal(t, 1275*time.Millisecond+2*time.Second, time.Since(begin), "5 ms, 10, 20, … 640, 1 s, 1 s")
	})
}

func TestPauseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begin := time.Now()
		Pause(ctx, time.Hour)
		assert.Zero(t, time.Since(begin))
	})
}
