package client

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestChatDoesNotAskForTheObservedAddress(t *testing.T) {
	got := call(t, "chat", servicesIP+":50008", "--observe=first", "--say", "hello")
	assert.Equal(t, 2, got.status)
	assert.Contains(t, got.stderr, "client: --observe: in a chat others may speak before the answer comes; ")
}
