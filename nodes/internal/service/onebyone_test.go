package service

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneByOne(t *testing.T) {
	server := run(t, Options{OneByOne: true}, "echo=127.0.0.1:0")
	first := server.dial(t, "echo tcp")
	server.log.Wait(t, "accepted   "+first.LocalAddr().String())
	second := server.dial(t, "echo tcp") // by the kernel's leave, not the program's
	_, err := io.WriteString(second, "x")
	require.NoError(t, err)
	_, err = io.WriteString(first, "y")
	require.NoError(t, err)
	_, err = io.ReadFull(first, make([]byte, 1))
	require.NoError(t, err)
	assert.NotContains(t, server.log.String(), "accepted   "+second.LocalAddr().String())

	require.NoError(t, first.Close())
	_, err = io.ReadFull(second, make([]byte, 1))
	require.NoError(t, err)
	assert.Contains(t, server.log.String(), "accepted   "+second.LocalAddr().String())
}
