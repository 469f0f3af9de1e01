package api

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestAnswerToClientThatListensNoMore has a client close where it should only have
// said that it has said all.
func TestAnswerToClientThatListensNoMore(t *testing.T) {
	s := start(t, "server api half-close 127.0.0.1:0")
	run(t, "client api half-close --how close "+s.ready(t).String())
	out, status := s.wait(t)
	assert.Equal(t, 1, status)
	assert.Contains(t, out, "= CLOSE_WAIT  one direction is closed\n", "before the server speaks it cannot know")
	assert.Contains(t, out, "= 38  speak\n", "its kernel takes the answer")
	assert.Contains(t, out, "= CLOSE      RST: nobody listens\n")
	assert.Contains(t, out, `send(4, "hello?") = -1, errno 32 EPIPE `)
	assert.Equal(t, "server: send: EPIPE (32) broken pipe\n", s.errors.String())
}
