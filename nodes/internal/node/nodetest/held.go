package nodetest

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// NothingLeft notes how many goroutines and descriptors the process holds, and returns what
// waits until it holds no more. That it always will fails with the stacks.
func NothingLeft(t testing.TB) (await func()) {
	t.Helper()
	goroutines, descriptors := runtime.NumGoroutine(), countDescriptors(t)
	return func() {
		t.Helper()
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			g, d := runtime.NumGoroutine(), countDescriptors(t)
			if g <= goroutines && d <= descriptors {
				return
			}
			if time.Now().After(end) {
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines, before %d; %d descriptors, before %d\n%s", g, goroutines, d, descriptors, stacks[:runtime.Stack(stacks, true)])
			}
		}
	}
}

func countDescriptors(t testing.TB) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(all)
}
