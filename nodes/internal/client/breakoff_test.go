package client

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnUploadThatBreaksOff(t *testing.T) {
	dir := t.TempDir()
	log := serve(t, "file="+servicesIP, "--dir", dir)
	got := call(t, "file", servicesIP+":8086", "post", "big.bin", "--generate", "2MB", "--break-off", "1MB")
	assert.Equal(t, 1, got.status)
	assert.Equal(t, "client: post big.bin: broke off after 1000000 of 2000000 bytes\n", got.stderr)
	me := localOf(t, got.stdout)
	log.Wait(t, "refused    "+me+` "post big.bin": broke off after 1000000 of 2000000 bytes`)
	log.Wait(t, "closed     "+me)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)

	got = call(t, "file", servicesIP+":8086", "get", "x", "--break-off", "1MB")
	assert.Equal(t, "client: --break-off is for post (see: client file --help)\n", got.stderr)
	got = call(t, "file", servicesIP+":8086", "post", "x", "--break-off", "half")
	assert.Equal(t, "client: --break-off half: must be a size such as 100MB (see: client file --help)\n", got.stderr)
}
