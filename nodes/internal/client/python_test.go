package client

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
)

// python returns the command of one of testdata/python's programs. Their style is
// that of the tutorials.
func python(t *testing.T, file string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), nodetest.Foreign(t, "python3", "python3"), append([]string{filepath.Join("testdata", "python", file)}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
	return cmd
}

// pythonClient runs a client and returns what it printed.
func pythonClient(t *testing.T, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := python(t, "clients.py", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return string(out)
}

// pythonServer runs a server until the test ends and returns its address, and what
// reads a line that it prints.
func pythonServer(t *testing.T, args ...string) (addr string, line func() string) {
	t.Helper()
	cmd := python(t, "servers.py", args...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	s := bufio.NewScanner(out)
	line = func() string {
		require.True(t, s.Scan(), s.Err())
		return s.Text()
	}
	return "127.0.0.1:" + line(), line
}

const pythonIP = "127.0.0.104"

// TestPythonClients: the tutorials' clients talk to our servers.
func TestPythonClients(t *testing.T) {
	dir, mine := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "poem"), []byte("床前明月光\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(mine, "note"), bytes.Repeat([]byte("a line\n"), 1000), 0o644))
	log := serve(t, "reply="+pythonIP, "menu="+pythonIP, "upper="+pythonIP, "shell="+pythonIP, "shell-length="+pythonIP, "file="+pythonIP, "--dir", dir)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"reply", pythonIP, "9999"}, "不要回答,不要回答,不要回答\nb''\n"},
		{[]string{"menu", pythonIP, "8009", "0", "1234", "exit"}, "欢迎致电 10086,请输入1xxx,0转人工服务.\n通过可能会被录音.balabala一大推\n请重新输入.\n\n"},
		{[]string{"upper", pythonIP, "8081", "hello", "你好 x"}, "HELLO\n你好 X\n"},
		{[]string{"shell", pythonIP, "8080", "echo hi", "true"}, "hi\n\n无返回内容\n"},
		{[]string{"shell_length", pythonIP, "8082", "printf '%03000d' 7", "true"}, "3000 " + strings.Repeat("0", 2999) + "7\n15 无返回内容\n"},
		{[]string{"get", pythonIP, "8086", "poem", mine}, "16 72b7919a0ab934b0dc34bbf27864f897\n"},
		{[]string{"get", pythonIP, "8086", "none", mine}, "{'error': 'cannot find none on server'}\n"},
		{[]string{"method", pythonIP, "8086", "delete poem"}, "{'method_error': 'method unsupported'}\n"},
	} {
		assert.Equal(t, tt.want, pythonClient(t, tt.args...), tt.args)
	}
	got, err := os.ReadFile(filepath.Join(mine, "poem"))
	require.NoError(t, err)
	assert.Equal(t, "床前明月光\n", string(got))

	for _, options := range [][]string{nil, {"padded"}, {"more"}, {"padded", "more"}} {
		out := pythonClient(t, append([]string{"post", pythonIP, "8086", filepath.Join(mine, "note")}, options...)...)
		size, md5, _ := strings.Cut(strings.SplitN(out, "\n", 2)[0], " ")
		assert.Equal(t, "7000", size)
		log.Wait(t, "md5        "+md5+" note\n")
		got, err := os.ReadFile(filepath.Join(dir, "note"))
		require.NoError(t, err)
		assert.Len(t, got, 7000)
		require.NoError(t, os.Remove(filepath.Join(dir, "note")))
		if len(options) > 0 && options[len(options)-1] == "more" {
			assert.Contains(t, out, "{'error': 'cannot find none on server'}\n")
		}
	}
}

// TestPythonChat: a tutorial's chat client and ours in one room.
func TestPythonChat(t *testing.T) {
	serve(t, "chat="+pythonIP)
	done := make(chan result, 1)
	go func() {
		done <- call(t, "chat", pythonIP+":50008", "--name=ann", "--when=hello", "--say=hi", "--say=bye")
	}()
	out := pythonClient(t, "chat", pythonIP, "50008", "py", "hello")
	assert.Contains(t, out, "ann: bye")
	got := <-done
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "heard      py: hello\nsaid       ann: hi\nsaid       ann: bye\n")
}

// TestPythonClientOfWindows sends and reads GBK.
func TestPythonClientOfWindows(t *testing.T) {
	serve(t, "shell="+pythonIP, "--encoding=gbk")
	assert.Equal(t, "你好\n\n无返回内容\n", pythonClient(t, "shell_gbk", pythonIP, "8080", "echo 你好", "true"))
}

// TestPythonServers: our clients talk to the tutorials' servers.
func TestPythonServers(t *testing.T) {
	talk := func(program string, args ...string) string {
		addr, _ := pythonServer(t, program)
		got := call(t, append([]string{strings.ReplaceAll(strings.TrimSuffix(program, "_gbk"), "_", "-"), addr}, args...)...)
		assert.Equal(t, 0, got.status, "%s: %s", program, got.stderr)
		_, after, _ := strings.Cut(got.stdout, "\n")
		return strings.ReplaceAll(after, addr, "SERVER")
	}
	assert.Equal(t, "reply      不要回答,不要回答,不要回答\n", talk("reply"))
	assert.Equal(t, "greeting   欢迎致电 10086,请输入1xxx,0转人工服务.\nreply      通过可能会被录音.balabala一大推\nreply      请重新输入.\nclosed     SERVER hung up\n",
		talk("menu", "0", "1234", "exit"))
	assert.Equal(t, "reply      hi\nobserved   not told (the server does not answer STUN)\n", talk("echo", "hi"))
	assert.Equal(t, "reply      HELLO\n", talk("upper", "hello", "--observe=no"))
	assert.Equal(t, "reply      recv(1024) = 3\nhi\nreply      recv(1024) = 15\n无返回内容\n", talk("shell", "echo hi", "true"))
	assert.Equal(t, "reply      recv(1024) = 5\n你好\n", talk("shell_gbk", "echo 你好", "--encoding=gbk"))
	assert.Equal(t, "length     3\nreply      3 bytes in pieces of at most 1024\nhi\nlength     15\nreply      15 bytes in pieces of at most 1024\n无返回内容\n",
		talk("shell_length", "echo hi", "true"))
	assert.Equal(t, "heard      hello\nsaid       ann: hi\nheard      bye\nclosed     SERVER\n", talk("chat", "--name=ann", "--when=hello", "--say=hi", "--until=bye"))
}

// TestPythonFileServer has the tutorials' bug: its headers are not padded.
func TestPythonFileServer(t *testing.T) {
	dir, mine := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "poem"), []byte("床前明月光\n"), 0o644))
	addr, line := pythonServer(t, "file", dir)
	got := call(t, "file", addr, "get", "poem", "--to", mine)
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "md5        72b7919a0ab934b0dc34bbf27864f897 poem\n")

	got = call(t, "file", addr, "get", "none")
	assert.Equal(t, "client: get none: the server says: cannot find none on server\n", got.stderr)

	got = call(t, "file", addr, "post", "big.bin", "--generate", "3MB")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "md5        "+line()+" big.bin\n")
}
