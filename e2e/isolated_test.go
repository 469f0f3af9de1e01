package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestIsolated(t *testing.T) {
	l := start(t, "isolated")
	playLesson(t, l, "isolated")

	for _, way := range []struct {
		name, target, errno string
		atLeast             time.Duration // what the kernel waits before it says so
	}{
		{"no route", "10.2.2.10:50007", "ENETUNREACH (101)", 0},
		{"a router that says unreachable", "10.2.4.10:50007", "EHOSTUNREACH (113)", 0},
		{"nobody has the address", "10.2.1.99:50007", "EHOSTUNREACH (113)", 2 * time.Second},
		{"a router that drops", "10.2.3.10:50007", "ETIMEDOUT (110)", 6 * time.Second},
		{"nobody listens", "10.2.1.11:50008", "ECONNREFUSED (111)", 0},
	} {
		t.Run(way.name, func(t *testing.T) {
			begin := time.Now()
			all, exit := events(t, l, "host-a", "echo", way.target, "hi")
			assert.Equal(t, 1, exit)
			assert.Contains(t, only(t, all, "error").text("text"), "connect: "+way.errno)
			assert.Greater(t, time.Since(begin), way.atLeast)
		})
	}
	t.Run("the servers themselves are well", func(t *testing.T) {
		_, exit := events(t, l, "host-a", "echo", "10.2.1.11:50007", "hi")
		assert.Zero(t, exit, "a neighbour is reached")
		_, exit = events(t, l, "host-b", "echo", "127.0.0.1:50007", "hi")
		assert.Zero(t, exit, "host-b reaches itself")
	})
}
