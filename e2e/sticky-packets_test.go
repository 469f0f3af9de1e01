package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStickyPackets(t *testing.T) {
	l := start(t, "sticky-packets")
	playLesson(t, l, "sticky-packets")

	// sinked sends three messages and returns what the server's log says of them.
	sinked := func(t *testing.T, node, event string, args ...string) []string {
		t.Helper()
		all, exit := events(t, l, "host-a", append([]string{"sink"}, args...)...)
		assert.Zero(t, exit, "%v", all)
		me := only(t, all, "connected").text("getsockname")
		return logged(t, l, node, event, me)
	}
	three := []string{`3 bytes "one"`, `3 bytes "two"`, `5 bytes "three"`}

	t.Run("three sends are one recv", func(t *testing.T) {
		assert.Equal(t, []string{`11 bytes "onetwothree"`}, sinked(t, "host-a2", "received", "10.33.1.11:8090", "one", "two", "three"))
	})
	t.Run("one send is several", func(t *testing.T) {
		assert.Equal(t, []string{`4 bytes "onet"`, `4 bytes "woth"`, `3 bytes "ree"`}, sinked(t, "host-a3", "received", "10.33.1.12:8090", "onetwothree"))
	})
	t.Run("a delimiter keeps them apart", func(t *testing.T) {
		assert.Equal(t, three, sinked(t, "host-a2", "message", "10.33.1.11:8091", "--frame=line", "one", "two", "three"))
	})
	t.Run("but not if it occurs in a message", func(t *testing.T) {
		assert.Equal(t, []string{`3 bytes "one"`, `3 bytes "two"`}, sinked(t, "host-a2", "message", "10.33.1.11:8091", "--frame=line", "one\ntwo"))
	})
	t.Run("a length does, whatever the chunks", func(t *testing.T) {
		assert.Equal(t, three, sinked(t, "host-a2", "message", "10.33.1.11:8092", "--frame=length", "one", "two", "three"))
		assert.Equal(t, three, sinked(t, "host-a3", "message", "10.33.1.12:8092", "--frame=length", "one", "two", "three"))
		assert.Equal(t, []string{`7 bytes "one\ntwo"`}, sinked(t, "host-a3", "message", "10.33.1.12:8092", "--frame=length", "one\ntwo"))
	})
}
