//go:build !race

package shell

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestACommandThatTakesAllMemory(t *testing.T) {
	got := run(t, "echo begun >&2; x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done", generous)
	assert.Equal(t, "more than 256 MiB of memory", got.Cut)
	assert.Equal(t, "begun\n", string(got.Stderr))
}
