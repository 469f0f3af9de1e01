package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPing(t *testing.T) {
	l := start(t, "ping")
	playLesson(t, l, "ping")

	t.Run("each TTL ends at one router, and the third arrives", func(t *testing.T) {
		for _, want := range []struct{ ttl, from, event string }{
			{"1", "10.46.1.2", "error"},
			{"2", "10.46.3.3", "error"},
			{"3", "10.46.2.10", "reply"},
		} {
			all, _ := events(t, l, "host-a", "ping", "10.46.2.10", "--count=1", "--ttl="+want.ttl)
			answers := 0
			for _, e := range all {
				if e.text("from") != "" {
					answers++
					assert.Equal(t, want.event, e.name())
					assert.Equal(t, want.from, e.text("from"))
				}
			}
			assert.Equal(t, 1, answers, "%v", all)
		}
	})
	t.Run("what dies at a router never comes to the host", func(t *testing.T) {
		packets := captured(t, l, "raw", []string{"--icmp", "--host", "10.46.1.10", "--count", "2"}, "ping", "10.46.2.10", "--ttl", "2", "--count", "1")
		assert.Equal(t, []string{"echo request", "time exceeded in transit"}, []string{packets[0].text("message"), packets[1].text("message")})
		assert.Equal(t, "10.46.3.3", packets[1].text("source"))
	})
}
