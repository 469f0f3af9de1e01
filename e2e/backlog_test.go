package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBacklog(t *testing.T) {
	l := start(t, "backlog")
	playLesson(t, l, "backlog")

	// One more than listen is told, each time.
	for backlog, fit := range map[int]int{0: 1, 2: 3} {
		t.Run(fmt.Sprintf("listen(%d) has room for %d", backlog, fit), func(t *testing.T) {
			b := begin(t, l, "host-a2", "api", "backlog", "--backlog", fmt.Sprint(backlog))
			client, exit := events(t, l, "host-a", "api", "backlog", "10.34.1.11:50007")
			assert.Zero(t, exit)
			server, exit := b.wait()
			assert.Zero(t, exit)
			assert.Equal(t, []string{fmt.Sprintf("%d wait, backlog %d", fit, backlog)}, results(server, "getsockopt"))

			// Those that fit; the one that does not; the late one, which does not wait.
			connects := calls(client, "connect_ex")
			require.Len(t, connects, fit+2)
			for _, c := range connects[:fit] {
				assert.Equal(t, "0", c.text("result"))
			}
			beyond := connects[fit]
			assert.Equal(t, "110 ETIMEDOUT", beyond.text("result"), "no answer, and no refusal")
			took, _ := beyond["took"].(float64)
			assert.Greater(t, time.Duration(took), 3*time.Second, "%v", beyond)
			assert.Equal(t, "115 EINPROGRESS", connects[fit+1].text("result"))

			// The first caller, those in the queue in their order, and the late one.
			heard := results(server, "recv")
			require.Len(t, heard, 1+fit+1)
			for i, word := range heard[1 : 1+fit] {
				assert.Equal(t, fmt.Sprintf(`8 "caller %d"`, i+1), word)
			}
			assert.Equal(t, `12 "the late one"`, heard[1+fit])
		})
	}
}
