package e2e

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBuffers(t *testing.T) {
	l := start(t, "buffers")
	playLesson(t, l, "buffers")

	t.Run("what send has taken waits on the two sides, and nowhere else", func(t *testing.T) {
		b := begin(t, l, "host-a2", "api", "buffers")
		client, exit := events(t, l, "host-a", "api", "buffers", "10.39.1.11:50007")
		assert.Zero(t, exit)
		server, exit := b.wait()
		assert.Zero(t, exit)

		sends := calls(client, "send")
		require.GreaterOrEqual(t, len(sends), 3)
		taken := takenBy(t, sends[:len(sends)-2])
		assert.Less(t, taken, 1<<20)
		assert.Equal(t, "-1, errno 11 EAGAIN", sends[len(sends)-2].text("result"))
		assert.Equal(t, taken, number(t, results(client, "ioctl")[0])+number(t, results(server, "ioctl")[0]))
		assert.Contains(t, results(client, "getsockopt"), "window 0")

		last := sends[len(sends)-1]
		assert.Equal(t, strconv.Itoa(1<<20-taken), last.text("result"), "a blocking send takes all")
		took, _ := last["took"].(float64)
		assert.Greater(t, time.Duration(took), time.Second, "when the server reads: %v", last)
		assert.Contains(t, results(server, "recv"), fmt.Sprintf("%d bytes in many calls", 1<<20))
	})
	t.Run("what the kernel has taken arrives when the program is gone", func(t *testing.T) {
		b := begin(t, l, "host-a2", "api", "buffers")
		client, exit := events(t, l, "host-a", "api", "buffers", "--limit", "1s", "10.39.1.11:50007")
		assert.Equal(t, 1, exit)
		server, exit := b.wait()
		assert.Zero(t, exit)
		sends := calls(client, "send")
		require.GreaterOrEqual(t, len(sends), 2)
		taken := takenBy(t, sends[:len(sends)-1])
		assert.Contains(t, results(server, "recv"), fmt.Sprintf("%d bytes in many calls", taken))
	})
}

// takenBy is how many bytes those calls of send have taken.
func takenBy(t *testing.T, sends []event) (sum int) {
	t.Helper()
	for _, s := range sends {
		sum += number(t, s.text("result"))
	}
	return sum
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}
