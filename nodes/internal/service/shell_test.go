package service

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answer sends a command and reads an answer of a known length.
func answer(t *testing.T, c net.Conn, command string, size int) string {
	t.Helper()
	say(t, c, command)
	b := make([]byte, size)
	n, err := io.ReadFull(c, b)
	require.NoError(t, err, "got %q", b[:n])
	return string(b)
}

func TestACommandThatIsEnded(t *testing.T) {
	server := runWith(t, []string{"--run-limit=300ms", "--output-limit=10"}, "shell=127.0.0.1:0")
	c := server.dial(t, "shell tcp")
	for command, want := range map[string]string{
		"echo begun; sleep 1000\n": "begun\n\n[the server ended the command: still running after 300ms]\n",
		"while :; do :; done\n":    "\n[the server ended the command: still running after 300ms]\n",
		"yes\n":                    "y\ny\ny\ny\ny\n\n[the server ended the command: more than 10 bytes of output]\n",
	} {
		assert.Equal(t, want, answer(t, c, command, len(want)), command)
		server.log.Wait(t, "ended: "+strings.TrimSuffix(want[strings.Index(want, ": ")+2:], "]\n")+"\n")
	}
	assert.Equal(t, "on\n", answer(t, c, "echo on\n", 3))
}

func TestACommandThatIsNotUTF8(t *testing.T) {
	server := runWith(t, nil, "shell=127.0.0.1:0")
	c := server.dial(t, "shell tcp")
	const want = "shell: the text is not UTF-8; for a Chinese Windows choose --encoding gbk\n"
	assert.Equal(t, want, answer(t, c, "echo \xc4\xe3\n", len(want)))
	server.log.Wait(t, "refused    "+c.LocalAddr().String()+` "echo \xc4\xe3": the text is not UTF-8`)
	assert.Equal(t, "on\n", answer(t, c, "echo on\n", 3))
}

func TestGBK(t *testing.T) {
	server := runWith(t, []string{"--encoding=gbk"}, "shell=127.0.0.1:0", "shell-length=127.0.0.1:0")
	c := server.dial(t, "shell tcp")
	assert.Equal(t, "\xc4\xe3\xba\xc3\n", answer(t, c, "echo 你好\n", 5))
	assert.Equal(t, "\xc4\xe3\xba\xc3\n", answer(t, c, "echo \xc4\xe3\xba\xc3\n", 5))
	assert.Equal(t, "\xce\xde\xb7\xb5\xbb\xd8\xc4\xda\xc8\xdd", answer(t, c, "true\n", 10))
	c = server.dial(t, "shell-length tcp")
	assert.Equal(t, "5", answer(t, c, "echo 你好\n", 1))
}

func TestALengthThatIsNotConfirmed(t *testing.T) {
	server := runWith(t, nil, "shell-length=127.0.0.1:0")
	c := server.dial(t, "shell-length tcp")
	assert.Equal(t, "3", answer(t, c, "echo hi\n", 1))
	say(t, c, "recv_steady")
	rest, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Equal(t, "shell: the client did not confirm the length with recv_ready\n", string(rest))
	server.log.Wait(t, "refused    "+c.LocalAddr().String()+` "recv_s": the client did not confirm the length with recv_ready`)
}

func TestALoopInPieces(t *testing.T) {
	server := runWith(t, []string{"--settle=10s"}, "shell=127.0.0.1:0")
	c := server.dial(t, "shell tcp")
	say(t, c, "for i in 1 2\n")
	say(t, c, "do echo $i\n")
	assert.Equal(t, "1\n2\n", answer(t, c, "done\n", 4))
}

// TestTheEndOfTheServerEndsCommands, however long they would run.
func TestTheEndOfTheServerEndsCommands(t *testing.T) {
	server := runWith(t, []string{"--run-limit=1h"}, "shell=127.0.0.1:0")
	c := server.dial(t, "shell tcp")
	say(t, c, "sleep 1000\n")
	server.log.Wait(t, "received ")
	require.NoError(t, server.stop())
	assert.Contains(t, server.log.String(), "closed     "+c.LocalAddr().String())
}
