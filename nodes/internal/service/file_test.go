package service

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/transfer"
)

// refusal reads a header with an error.
func refusal(t *testing.T, c net.Conn) string {
	t.Helper()
	b := make([]byte, transfer.HeaderSize)
	_, err := io.ReadFull(c, b)
	require.NoError(t, err)
	var h map[string]string
	require.NoError(t, json.Unmarshal(b, &h), string(b))
	require.Len(t, h, 1)
	return h["error"]
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	_, err := io.WriteString(c, text)
	require.NoError(t, err)
}

// TestBadUploads: each is told why on its connection, is a line in the log, leaves
// nothing, and the next client is served.
func TestBadUploads(t *testing.T) {
	dir := t.TempDir()
	server := runWith(t, []string{"--dir", dir, "--max-size", "1MB"}, "file=127.0.0.1:0")
	header := func(size string) string {
		before := fmt.Sprintf(`{"filename": "x", "file_size": %s, "fill": "`, size)
		return before + strings.Repeat("0", transfer.HeaderSize-len(before)-2) + `"}`
	}
	for in, want := range map[string]string{
		"post ../x":                           "../x leaves the served directory",
		"post x" + header("3")[:299]:          "a header of 299 bytes; it must have 300 (timed out)",
		"post x" + header("-3"):               "file_size -3 is negative",
		"post x" + header("1000001"):          "file_size 1000001 is more than this server takes: 977 KiB (--max-size)",
		"post x" + header("9e9"):              "file_size 9e9 is not a whole number",
		"post x" + header(`"many"`):           `file_size "many" is not a whole number`,
		"post x\n" + strings.Repeat("9", 400): "the header does not begin with { but with '9'",
		"post x" + `{"filename": "../y", "file_size": 1, "fill": ""}z`: "../y leaves the served directory",
	} {
		c := server.dial(t, "file tcp")
		say(t, c, in)
		assert.Equal(t, want, refusal(t, c), in)
		_, err := c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF)
		server.log.Wait(t, want)
		require.NoError(t, c.Close())
		server.log.Wait(t, "closed     "+c.LocalAddr().String()+" by the service\n")
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
	c := server.dial(t, "file tcp")
	say(t, c, "post x"+header("3")+"abcget x\n")
	got := make([]byte, transfer.HeaderSize+3)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	assert.Equal(t, "abc", string(got[transfer.HeaderSize:]))
}

// TestAnUploadWithoutPadding is that of the tutorials' own client.
func TestAnUploadWithoutPadding(t *testing.T) {
	dir := t.TempDir()
	server := runWith(t, []string{"--dir", dir}, "file=127.0.0.1:0")
	c := server.dial(t, "file tcp")
	say(t, c, "post x")
	say(t, c, `{"filename": "x", "file_size": 3, "fill": ""}`)
	say(t, c, "abc")
	server.log.Wait(t, `filename "x" file_size 3 (not padded)`)
	server.log.Wait(t, "md5        900150983cd24fb0d6963f7d28e17f72 x\n")
	say(t, c, "get none")
	assert.Equal(t, "cannot find none on server", refusal(t, c))
}

// TestAnUploadThatBreaksOff with RST, or that stands still.
func TestAnUploadThatBreaksOff(t *testing.T) {
	dir := t.TempDir()
	server := runWith(t, []string{"--dir", dir, "--stall", "100ms"}, "file=127.0.0.1:0")
	header, err := transfer.Header{Filename: "x", Size: 1000}.Encode()
	require.NoError(t, err)

	c := server.dial(t, "file tcp")
	say(t, c, "post x"+string(header)+"some")
	server.log.Wait(t, "header     "+c.LocalAddr().String())
	require.NoError(t, c.(*net.TCPConn).SetLinger(0))
	require.NoError(t, c.Close())
	server.log.Wait(t, "refused    "+c.LocalAddr().String()+" \"post x\": ECONNRESET (104) connection reset by peer\n")

	c = server.dial(t, "file tcp")
	say(t, c, "post x"+string(header)+"some")
	assert.Equal(t, "stood still for 100ms (--stall)", refusal(t, c))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestAFullDisk(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, unix.Mount("crosslan-test", dir, "tmpfs", 0, "size=64k"), "this test needs root")
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	server := runWith(t, []string{"--dir", dir}, "file=127.0.0.1:0")
	header, err := transfer.Header{Filename: "x", Size: 1 << 20}.Encode()
	require.NoError(t, err)
	c := server.dial(t, "file tcp")
	say(t, c, "post x"+string(header))
	_, err = c.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	assert.Equal(t, "x: ENOSPC (28) no space left on device", refusal(t, c))
	server.log.Wait(t, "refused    "+c.LocalAddr().String()+` "post x": x: ENOSPC (28) no space left on device`)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// TestALargeFileBothWays, so that it does not fit into any buffer.
func TestALargeFileBothWays(t *testing.T) {
	dir := t.TempDir()
	server := runWith(t, []string{"--dir", dir}, "file=127.0.0.1:0")
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	header, err := transfer.Header{Filename: "x", Size: int64(len(content))}.Encode()
	require.NoError(t, err)
	c := server.dial(t, "file tcp")
	say(t, c, "post x"+string(header))
	_, err = c.Write(content)
	require.NoError(t, err)
	server.log.Wait(t, "stored ")
	stored, err := os.ReadFile(filepath.Join(dir, "x"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, stored))
	say(t, c, "get x")
	got := make([]byte, transfer.HeaderSize+len(content))
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, got[transfer.HeaderSize:]))
	server.log.Wait(t, "served ")
	assert.Equal(t, 2, strings.Count(server.log.String(), "md5 "))
}

// TestAClientThatDoesNotReadItsFile holds up nobody but itself.
func TestAClientThatDoesNotReadItsFile(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "big"))
	require.NoError(t, err)
	require.NoError(t, f.Truncate(64<<20))
	require.NoError(t, f.Close())
	server := runWith(t, []string{"--dir", dir, "--stall", "100ms"}, "file=127.0.0.1:0")
	c := server.dial(t, "file tcp")
	say(t, c, "get big")
	server.log.Wait(t, "closed     "+c.LocalAddr().String()+" timeout: stood still for 100ms (--stall)\n")
}

func TestFileNeedsItsDirectory(t *testing.T) {
	_, err := All.parse([]string{"file"}, All.handlers(newFlags()))
	assert.EqualError(t, err, "file: which directory? Give --dir /data")
	flags := newFlags()
	All.handlers(flags)
	assert.EqualError(t, flags.Parse([]string{"--dir", "/none"}), `invalid argument "/none" for "--dir" flag: open /none: no such file or directory`)
	for _, bad := range []string{"--max-size=lots", "--stall=0s", "--settle=-1s", "--recv=0", "--late=maybe", "--encoding=latin", "--output-limit=x"} {
		assert.Error(t, flags.Parse([]string{bad}), bad)
	}
}

// TestIdleLimitOfALateSink, whose client never ends its side.
func TestIdleLimitOfALateSink(t *testing.T) {
	for _, flags := range [][]string{{"--late"}, {"--recv=1"}} {
		server := runIdle(t, 50*time.Millisecond, flags, "sink=127.0.0.1:0")
		c := server.dial(t, "sink tcp")
		server.log.Wait(t, "closed     "+c.LocalAddr().String()+" timeout: stood still for 50ms (--idle)\n")
	}
}

// TestIdleLimitOfARequest: a client that connects and says nothing.
func TestIdleLimitOfARequest(t *testing.T) {
	for _, name := range []string{"menu", "shell", "shell-length", "file", "chat", "sink", "sink-line", "http"} {
		t.Run(name, func(t *testing.T) {
			server := runIdle(t, 50*time.Millisecond, []string{"--dir", t.TempDir()}, name+"=127.0.0.1:0")
			c := server.dial(t, name+" tcp")
			_, err := io.ReadAll(c)
			require.NoError(t, err)
			server.log.Wait(t, "closed     "+c.LocalAddr().String()+" timeout")
			if name != "http" {
				server.log.Wait(t, " timeout: stood still for 50ms (--idle)\n")
			}
		})
	}
}
