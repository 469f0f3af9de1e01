package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNonBlocking(t *testing.T) {
	l := start(t, "non-blocking")
	playLesson(t, l, "non-blocking")

	t.Run("one loop serves whoever speaks", func(t *testing.T) {
		b := begin(t, l, "host-a2", "api", "loop")
		client, exit := events(t, l, "host-a", "api", "loop", "10.35.1.11:50007")
		assert.Zero(t, exit)
		server, exit := b.wait()
		assert.Zero(t, exit)
		assert.Equal(t, []string{
			"1 [3 POLLIN]", "1 [3 POLLIN]", "1 [3 POLLIN]", // three callers
			"1 [6 POLLIN]",                                 // the last one speaks first
			"1 [4 POLLIN]",                                 // the server is busy with the first
			"2 [5 POLLIN, 6 POLLIN]",                       // and the others have spoken meanwhile
			"1 [4 POLLIN]", "1 [5 POLLIN]", "1 [6 POLLIN]", // they leave
		}, results(server, "poll"))
		assert.Equal(t, []string{
			`16 "you are number 1"`, `16 "you are number 2"`, `16 "you are number 3"`, `5 "HELLO"`,
			`10 "one moment"`, `9 "KEEP BUSY"`, `6 "ME TOO"`, `6 "AND ME"`, `0 ""`, `0 ""`, `0 ""`,
		}, results(client, "recv"))
	})
	t.Run("connect that does not wait is told by SO_ERROR how it ended", func(t *testing.T) {
		all, exit := events(t, l, "host-a", "api", "connect-errors", "--non-blocking", "10.35.1.11:8081", "10.35.1.11:8082", "10.35.3.10:8081")
		assert.Zero(t, exit)
		assert.Equal(t, []string{"115 EINPROGRESS", "115 EINPROGRESS", "115 EINPROGRESS"}, results(all, "connect_ex"))
		how := results(all, "getsockopt")
		if assert.Len(t, how, 3) {
			assert.Equal(t, "0", how[0])
			assert.Contains(t, how[1], "111 ECONNREFUSED")
			assert.Contains(t, how[2], "110 ETIMEDOUT")
		}
	})
}
