package client

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const servicesIP = "127.0.0.103"

// plain is output without what differs from run to run: the local address, and how
// long something took.
func plain(t *testing.T, r result) string {
	t.Helper()
	s := strings.ReplaceAll(r.stdout, localOf(t, r.stdout), "LOCAL")
	s = regexp.MustCompile(`in \d+\.\d\d s`).ReplaceAllString(s, "in T s")
	s = regexp.MustCompile(`Date: .*`).ReplaceAllString(s, "Date: D")
	return strings.ReplaceAll(s, servicesIP, "SERVER")
}

func TestMenu(t *testing.T) {
	serve(t, "menu="+servicesIP)
	got := call(t, "menu", servicesIP+":8009", "0", "1234", "exit")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `connected  LOCAL -> SERVER:8009
greeting   欢迎致电 10086,请输入1xxx,0转人工服务.
reply      通过可能会被录音.balabala一大推
reply      请重新输入.
closed     SERVER:8009 hung up
`, plain(t, got))

	got = call(t, "menu", servicesIP+":8009", "--observe=first", "exit", "0")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, plain(t, got), "observed   LOCAL\nclosed     SERVER:8009 hung up\n")
	assert.Equal(t, "client: recv: EOF: "+servicesIP+":8009 closed before \"0\" was sent\n", got.stderr)
}

func TestMenuTimeout(t *testing.T) {
	server := foreign(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	got := call(t, "menu", server, "--timeout", "100ms", "0")
	assert.Equal(t, 1, got.status)
	assert.Equal(t, "client: recv: timed out: "+server+" after 0.1 s (--timeout)\n", got.stderr)
	assert.Contains(t, call(t, "menu", "--help").stdout, "(default 5s)")
}

func TestShell(t *testing.T) {
	serve(t, "shell="+servicesIP)
	got := call(t, "shell", servicesIP+":8080", "echo hi", "true", "echo bad >&2; printf 'a\\tb\\n'", "quit", "not sent")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `connected  LOCAL -> SERVER:8080
reply      recv(1024) = 3
hi
reply      recv(1024) = 15
无返回内容
reply      recv(1024) = 8
a    b
bad
`, plain(t, got))
}

func TestAnswersStick(t *testing.T) {
	serve(t, "shell="+servicesIP)
	got := call(t, "shell", servicesIP+":8080", "--recv", "8", "echo 0123456789", "echo second")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `connected  LOCAL -> SERVER:8080
reply      recv(8) = 8
01234567
reply      recv(8) = 3
89
`, plain(t, got))
	assert.Equal(t, "client: --recv 0: must be at least 1 (see: client shell --help)\n", call(t, "shell", servicesIP+":8080", "--recv", "0").stderr)
}

func TestShellLength(t *testing.T) {
	serve(t, "shell-length="+servicesIP)
	got := call(t, "shell-length", servicesIP+":8082", "printf '%02000d' 7 | wc -c", "echo second", "true")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `connected  LOCAL -> SERVER:8082
length     5
reply      5 bytes in pieces of at most 1024
2000
length     7
reply      7 bytes in pieces of at most 1024
second
length     15
reply      15 bytes in pieces of at most 1024
无返回内容
`, plain(t, got))
	got = call(t, "shell-length", servicesIP+":8082", "printf '%02000d' 7", "echo second")
	assert.Contains(t, got.stdout, strings.Repeat("0", 1999)+"7\nlength     7\n")
}

func TestGBK(t *testing.T) {
	serve(t, "shell="+servicesIP, "--encoding", "gbk")
	got := call(t, "shell", servicesIP+":8080", "--encoding", "gbk", "echo 你好", "true")
	assert.Contains(t, got.stdout, "reply      recv(1024) = 5\n你好\nreply      recv(1024) = 10\n无返回内容\n", got.stderr)
	got = call(t, "shell", servicesIP+":8080", "echo 你好")
	assert.Contains(t, got.stdout, "reply      recv(1024) = 5\n\\xc4\\xe3\\xba\\xc3\n")
	got = call(t, "shell", servicesIP+":8080", "--encoding", "latin", "x")
	assert.Equal(t, "client: invalid argument \"latin\" for \"--encoding\" flag: no such encoding; choose utf-8, gbk or gb18030 (see: client shell --help)\n", got.stderr)
}

func TestLengthThatIsNone(t *testing.T) {
	for length, want := range map[string]string{
		"-5":                     `"-5" is not the length of anything`,
		"ten":                    `"ten" is not the length of anything`,
		"99999999999999999999":   "the length 99999999999999999999 is more than this client reads (67108864)",
		"67108865":               "the length 67108865 is more than this client reads (67108864)",
		strings.Repeat("7", 100): "the length 7777777777777777777777777777777777777777 is more than this client reads (67108864)",
	} {
		server := foreign(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 100))
			_, _ = io.WriteString(c, length)
			_, _ = io.Copy(io.Discard, c)
		})
		got := call(t, "shell-length", server, "ls")
		assert.Equal(t, 1, got.status)
		assert.Equal(t, "client: recv: "+want+": from "+server+"\n", got.stderr)
	}
}

func TestLengthByteByByte(t *testing.T) {
	server := foreign(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 100))
		_, _ = io.WriteString(c, "1")
		_, _ = io.WriteString(c, "2")
		b := make([]byte, len(recvReady))
		if _, err := io.ReadFull(c, b); err == nil && string(b) == recvReady {
			for _, piece := range []string{"abc", "defghij", "kl"} {
				_, _ = io.WriteString(c, piece)
			}
		}
		_, _ = io.Copy(io.Discard, c)
	})
	got := call(t, "shell-length", server, "ls")
	assert.Contains(t, got.stdout, "length     12\n", got.stderr)
	assert.Contains(t, got.stdout, "\nabcdefghijkl\n")
}

func TestAnswerThatBreaksOff(t *testing.T) {
	server := foreign(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 100))
		_, _ = io.WriteString(c, "12")
		_, _ = io.ReadFull(c, make([]byte, len(recvReady)))
		_, _ = io.WriteString(c, "abc")
	})
	got := call(t, "shell-length", server, "ls")
	assert.Equal(t, "client: recv: EOF: "+server+" closed after 3 of 12 bytes\n", got.stderr)
}

func FuzzParseLength(f *testing.F) {
	for _, seed := range []string{"0", "12", "-1", "+1", "1e3", " 1", "99999999999999999999", "", "１"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseLength(b)
		if err == nil {
			assert.GreaterOrEqual(t, n, 0)
			assert.LessOrEqual(t, n, maxLength)
			assert.Regexp(t, `^[0-9]+$`, string(b))
		}
	})
}

func TestSink(t *testing.T) {
	log := serve(t, "sink="+servicesIP, "sink-line="+servicesIP, "sink-length="+servicesIP, "--late", "--recv", "5")
	got := call(t, "sink", servicesIP+":8090", "one", "two", "three")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `connected  LOCAL -> SERVER:8090
sent       send("one") = 3
sent       send("two") = 3
sent       send("three") = 5
closed     SERVER:8090 has read everything
`, plain(t, got))
	me := localOf(t, got.stdout)
	log.Wait(t, strings.ReplaceAll(`received   ME 5 bytes "onetw"
received   ME 5 bytes "othre"
received   ME 1 byte "e"
closed     ME EOF
`, "ME", me))

	got = call(t, "sink", servicesIP+":8091", "--frame", "line", "one", "two", "three")
	assert.Contains(t, got.stdout, `sent       send("two\n") = 4`, got.stderr)
	log.Wait(t, strings.ReplaceAll(`received   ME 5 bytes "one\nt"
message    ME 3 bytes "one"
received   ME 5 bytes "wo\nth"
message    ME 3 bytes "two"
received   ME 4 bytes "ree\n"
message    ME 5 bytes "three"
closed     ME EOF
`, "ME", localOf(t, got.stdout)))

	got = call(t, "sink", servicesIP+":8092", "--frame=length", "--nagle", "--pause=1ms", "one", "two")
	assert.Contains(t, got.stdout, `sent       send("\x00\x00\x00\x03two") = 7`, got.stderr)
	log.Wait(t, "message    "+localOf(t, got.stdout)+" 3 bytes \"two\"\n")
}

func TestHTTP(t *testing.T) {
	serve(t, "http="+servicesIP)
	got := call(t, "http", servicesIP+":8000", "--observe=first")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `connected  LOCAL -> SERVER:8000
observed   LOCAL
request    GET / HTTP/1.1
request    Host: SERVER:8000
request    User-Agent: crosslan
request    Connection: close
request    Accept: text/plain
request
status     HTTP/1.1 200 OK
header     Content-Type: text/plain; charset=utf-8
header     Date: D
body       This server sees you as LOCAL.
body       Your request was:
body
body       GET / HTTP/1.1
body       Host: SERVER:8000
body       Accept: text/plain
body       Connection: close
body       User-Agent: crosslan
body
`, regexp.MustCompile("header     Content-Length: .*\n").ReplaceAllString(plain(t, got), ""))
	got = call(t, "http", servicesIP+":8000", "/none")
	assert.Contains(t, got.stdout, "status     HTTP/1.1 404 Not Found\n")
	got = call(t, "http", servicesIP+":8000", "--accept", "text/html")
	assert.Contains(t, got.stdout, "body       <h1>This server sees you as "+localOf(t, got.stdout)+"</h1>\n")
	got = call(t, "http", servicesIP+":8000", "none")
	assert.Equal(t, "client: [\"none\"]: give one path at most, such as / (see: client http --help)\n", got.stderr)
}

func TestChat(t *testing.T) {
	log := serve(t, "chat="+servicesIP)
	done := make(chan result, 1)
	go func() {
		done <- call(t, "chat", servicesIP+":50008", "--name=bob", "--when=hello", "--say=hi", "--say=bye")
	}()
	got := call(t, "chat", servicesIP+":50008", "--name=ann", "--say=hello", "--until=bye")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `connected  LOCAL -> SERVER:50008
said       ann: hello
heard      bob: hi
heard      bob: bye
closed     SERVER:50008
`, plain(t, got), log)
	got = <-done
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `connected  LOCAL -> SERVER:50008
heard      ann: hello
said       bob: hi
said       bob: bye
closed     SERVER:50008
`, plain(t, got), log)
}

// TestChatCalls is the loop of one who has nothing to say but what is typed.
func TestChatCalls(t *testing.T) {
	log := serve(t, "chat="+servicesIP)
	keyboard, typist, err := os.Pipe()
	require.NoError(t, err)
	defer keyboard.Close()
	done := make(chan result, 1)
	go func() { done <- callWith(t, keyboard, "chat", servicesIP+":50008", "--calls") }()
	log.Wait(t, "accepted ")
	_, err = io.WriteString(typist, "typed\n")
	require.NoError(t, err)
	log.Wait(t, `"typed\n"`)
	require.NoError(t, typist.Close())
	got := <-done
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Equal(t, `connected  LOCAL -> SERVER:50008
call       poll([socket IN, keyboard IN]) = 1 [keyboard IN]
call       read(keyboard, 4096) = 6
said       typed
call       poll([socket IN|OUT, keyboard IN]) = 1 [socket OUT]
call       send(socket, 6) = 6
call       poll([socket IN, keyboard IN]) = 1 [keyboard HUP]
call       read(keyboard, 4096) = 0
call       shutdown(socket, SHUT_WR) = 0
call       poll([socket IN]) = 1 [socket IN|HUP]
call       recv(socket, 4096) = 0
closed     SERVER:50008
`, plain(t, got))
}

func TestChatOfForeigners(t *testing.T) {
	server := foreign(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "no line end")
		_, _ = io.Copy(io.Discard, c)
	})
	got := call(t, "chat", server, "--until", "line end")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, got.stdout, "heard      no line end\nclosed     ")

	got = call(t, "chat", server, "--until", "never", "--timeout", "200ms")
	assert.Equal(t, 1, got.status)
	assert.Equal(t, "client: poll: timed out: nothing from "+server+" for 0.2 s (--timeout)\n", got.stderr)

	server = foreign(t, func(c net.Conn) { _, _ = io.WriteString(c, "bye\n") })
	got = call(t, "chat", server, "--until", "never")
	assert.Equal(t, "client: recv: EOF: "+server+" closed before \"never\" was heard\n", got.stderr)
}

func TestFile(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "poem.txt"), []byte("床前明月光\n"), 0o644))
	log := serve(t, "file="+servicesIP, "--dir", dir)
	at := servicesIP + ":8086"
	got := call(t, "file", at, "get", "poem.txt", "--to", to)
	assert.Equal(t, 0, got.status, got.stderr)
	const digests = `md5        72b7919a0ab934b0dc34bbf27864f897 poem.txt
sha256     a971c65fae996eff9b99e02c5a90c7619468bdfc154893fbf326bc0731a7b003 poem.txt
`
	assert.Equal(t, `connected  LOCAL -> SERVER:8086
header     filename "poem.txt" file_size 16
progress   100 % of 16 bytes
fetched    `+to+`/poem.txt 16 bytes in T s
`+digests, plain(t, got))
	log.Wait(t, digests) // both ends print the same
	b, err := os.ReadFile(filepath.Join(to, "poem.txt"))
	require.NoError(t, err)
	assert.Equal(t, "床前明月光\n", string(b))

	got = call(t, "file", at, "post", filepath.Join(to, "poem.txt"), "--name", "copy.txt")
	assert.Equal(t, 0, got.status, got.stderr)
	assert.Contains(t, plain(t, got), "posted     copy.txt 16 bytes in T s\n")
	b, err = os.ReadFile(filepath.Join(dir, "copy.txt"))
	require.NoError(t, err)
	assert.Equal(t, "床前明月光\n", string(b))
}

func TestGeneratedFile(t *testing.T) {
	dir := t.TempDir()
	log := serve(t, "file="+servicesIP, "--dir", dir)
	at := servicesIP + ":8086"
	posted := call(t, "file", at, "post", "big.bin", "--generate", "10MB")
	assert.Equal(t, 0, posted.status, posted.stderr)
	fetched := call(t, "file", at, "get", "big.bin", "--discard")
	assert.Equal(t, 0, fetched.status, fetched.stderr)
	const digests = `md5        fea82860db076ea54550cb9a6e70f2a0 big.bin
sha256     b9be34b86e78dccabefd070f173d9c470cc7312e2d6fca8201bea506878d3515 big.bin
`
	assert.Contains(t, posted.stdout, digests)
	assert.Contains(t, fetched.stdout, digests)
	log.Wait(t, "closed     "+localOf(t, fetched.stdout))
	assert.Equal(t, 2, strings.Count(log.String(), digests))
	const progress = `progress    10 % of 10000000 bytes
progress    20 % of 10000000 bytes
progress    30 % of 10000000 bytes
progress    40 % of 10000000 bytes
progress    50 % of 10000000 bytes
progress    60 % of 10000000 bytes
progress    70 % of 10000000 bytes
progress    80 % of 10000000 bytes
progress    90 % of 10000000 bytes
progress   100 % of 10000000 bytes
`
	assert.Contains(t, posted.stdout, progress)
	assert.Contains(t, fetched.stdout, progress)
	assert.Contains(t, fetched.stdout, "fetched    big.bin (not kept) 10000000 bytes in ")
}

func TestFileErrors(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(to, "mine"), []byte("mine"), 0o644))
	serve(t, "file="+servicesIP, "--dir", dir)
	at := servicesIP + ":8086"
	for args, want := range map[string]string{
		"get none":                            "get none: the server says: cannot find none on server",
		"get ../x":                            "get ../x: the server says: ../x leaves the served directory",
		"get /etc/passwd":                     "get /etc/passwd: the server says: /etc/passwd leaves the served directory",
		"get folder":                          "get folder: the server says: folder is not a file",
		"get x --to " + to + "/none":          "--to " + to + "/none: no such file or directory",
		"post " + to + "/none":                "open " + to + "/none: no such file or directory",
		"post " + to:                          to + " is not a file",
		"post " + to + "/mine --name=../x":    "post ../x: the server says: ../x leaves the served directory",
		"post " + to + "/mine --name=folder":  "post folder: the server says: folder is there and is not a file",
		"post " + to + "/mine --name=no/such": "post no/such: the server says: no/such: ENOENT (2) no such file or directory",
	} {
		got := call(t, append([]string{"file", at}, strings.Fields(args)...)...)
		assert.Equal(t, 1, got.status, args)
		assert.Equal(t, "client: "+want+"\n", got.stderr, args)
	}
	for args, want := range map[string]string{
		"":                       "get or post, and which file? client file 10.1.1.10:8086 get notes.txt",
		"put x":                  `"put" is neither get nor post`,
		"get x --generate 1MB":   "--name and --generate are for post",
		"post x --generate lots": "--generate lots: must be a size such as 100MB",
		"get x --observe after":  "--observe after: file has no after; choose first or no",
	} {
		got := call(t, append([]string{"file", at}, strings.Fields(args)...)...)
		assert.Equal(t, 2, got.status, args)
		assert.Equal(t, "client: "+want+" (see: client file --help)\n", got.stderr, args)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing may be left of what was refused")
}

// TestDownloadThatBreaksOff: a foreign server promises more than it sends, or
// nothing at all, and nothing stays.
func TestDownloadThatBreaksOff(t *testing.T) {
	to := t.TempDir()
	for says, want := range map[string]string{
		`{"filename": "x", "file_size": 5, "fill": ""}abc`: "broke off after 3 of 5 bytes",
		`{"filename": "x", "file_size": -5, "fill": ""}`:   "file_size -5 is negative",
		`{"filename": "x", "file_size": "5"}`:              `file_size "5" is not a whole number`,
		`nonsense`:                                         `the header does not begin with { but with 'n'`,
		`{"filename": "x"`:                                 "a header of 16 bytes; it must have 300 (EOF)",
		`{"error": "cannot find x on server"}`:             "the server says: cannot find x on server",
		`{"method_error": "method unsupported"}`:           "the server says: method unsupported",
	} {
		server := foreign(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 100))
			_, _ = io.WriteString(c, says)
		})
		got := call(t, "file", server, "get", "x", "--to", to)
		assert.Equal(t, 1, got.status)
		assert.Equal(t, "client: get x: "+want+"\n", got.stderr)
	}
	server := foreign(t, func(net.Conn) {})
	got := call(t, "file", server, "get", "x", "--to", to)
	assert.Contains(t, got.stderr, "client: get x: recv: ")
	entries, err := os.ReadDir(to)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// TestAServerThatDoesNotRead makes the client's send stand still.
func TestAServerThatDoesNotRead(t *testing.T) {
	release := make(chan struct{})
	server := foreign(t, func(net.Conn) { <-release })
	got := call(t, "file", server, "post", "big", "--generate", "50MB", "--timeout", "300ms")
	close(release)
	assert.Equal(t, 1, got.status)
	assert.Equal(t, "client: post big: send: timed out: "+server+" after 0.3 s (--timeout)\n", got.stderr)
}

// TestAnUploadThatIsRefusedHalfWay: the refusal is heard while the file is sent.
func TestAnUploadThatIsRefusedHalfWay(t *testing.T) {
	server := foreign(t, func(c net.Conn) {
		_, _ = io.CopyN(io.Discard, c, 1<<20)
		_, _ = io.WriteString(c, `{"error": "the disk is full"}`)
		_ = c.(*net.TCPConn).CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(limit))
		_, _ = io.Copy(io.Discard, c)
	})
	got := call(t, "file", server, "post", "big", "--generate", "1GB")
	assert.Equal(t, 1, got.status)
	assert.Equal(t, "client: post big: the server says: the disk is full\n", got.stderr)
	assert.NotContains(t, got.stdout, "100 %")
}
