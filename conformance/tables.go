package conformance

import "strings"

// tables are the transcripts of each service.
var tables = map[string][]Transcript{
	"chat":         chatTable,
	"echo":         echoTable,
	"echo-udp":     echoUDPTable,
	"file":         fileTable,
	"http":         httpTable,
	"menu":         menuTable,
	"reply":        replyTable,
	"shell":        shellTable,
	"shell-length": shellLengthTable,
	"sink":         sinkTable,
	"upper":        upperTable,
}

// oneByOne are the services whose clients hear of each other.
var oneByOne = map[string]bool{"chat": true}

var echoTable = []Transcript{
	{Name: "a line", Steps: []Step{send("Hello, world"), expect("Hello, world"), end(), closed()}},
	{Name: "several messages", Steps: []Step{
		send("one"), expect("one"), send("two"), expect("two"), send("你好"), expect("你好"), end(), closed(),
	}},
	{Name: "every byte", Steps: []Step{send(everyByte()), expect(everyByte()), end(), closed()}},
	{Name: "nothing", Steps: []Step{end(), closed()}},
	{Name: "more than a chunk", Steps: []Step{send(strings.Repeat("0123456789", 150)), expect(strings.Repeat("0123456789", 150)), end(), closed()}},
}

// everyByte is each byte once, so also what is not UTF-8.
func everyByte() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

var upperTable = []Transcript{
	{Name: "a line", Steps: []Step{send("hello, World 1"), expect("HELLO, WORLD 1"), end(), closed()}},
	{Name: "several messages", Steps: []Step{send("a"), expect("A"), send("b\n"), expect("B\n"), end(), closed()}},
	{Name: "only ASCII has upper case", Steps: []Step{send("é 你好 ß z{"), expect("é 你好 ß Z{"), end(), closed()}},
	{Name: "what is not UTF-8", Steps: []Step{send("a\xff\x00b"), expect("A\xff\x00B"), end(), closed()}},
}

const replyText = "不要回答,不要回答,不要回答"

var replyTable = []Transcript{
	{Name: "the tutorial's question", Steps: []Step{send("请求占领地球"), expect(replyText), closed()}},
	{Name: "any question", Steps: []Step{send("?"), expect(replyText), closed()}},
	{Name: "no question", Steps: []Step{end(), closed()}},
}

// What the menu says.
const (
	menuGreeting = "欢迎致电 10086,请输入1xxx,0转人工服务."
	menuRecorded = "通过可能会被录音.balabala一大推"
	menuAgain    = "请重新输入."
)

var menuTable = []Transcript{
	{Name: "0", Steps: []Step{expect(menuGreeting), send("0"), expect(menuRecorded), end(), closed()}},
	{Name: "exit", Steps: []Step{expect(menuGreeting), send("exit"), closed()}},
	{Name: "0 twice, then exit", Steps: []Step{
		expect(menuGreeting), send("0"), expect(menuRecorded), send("0"), expect(menuRecorded), send("exit"), closed(),
	}},
	{Name: "another number", Steps: []Step{expect(menuGreeting), send("1234"), expect(menuAgain), end(), closed()}},
	{Name: "what is not UTF-8", Steps: []Step{expect(menuGreeting), send("\xff\xfe"), expect(menuAgain), end(), closed()}},
	{
		Name: "another number, then 0 and exit",
		Steps: []Step{
			expect(menuGreeting), send("12"), expect(menuAgain), send("0"), expect(menuRecorded), send("exit"), closed(),
		},
		Alone: "12 and 0 in one chunk are the number 120",
	},
	{Name: "nothing", Steps: []Step{expect(menuGreeting), end(), closed()}},
}

const noOutput = "无返回内容"

// merelyChunks is why commands without a line end cannot be merged.
const merelyChunks = "nothing but the end of a chunk ends a command"

var shellTable = []Transcript{
	{Name: "a command", Steps: []Step{send("echo hello"), expect("hello\n"), end(), closed()}},
	{
		Name:  "one command after the other",
		Steps: []Step{send("echo one"), expect("one\n"), send("echo 二"), expect("二\n"), end(), closed()},
		Alone: merelyChunks,
	},
	{Name: "commands with line ends", Steps: []Step{send("echo one\n"), expect("one\n"), send("echo two\n"), expect("two\n"), end(), closed()}},
	{Name: "standard output before standard error", Steps: []Step{send("echo second >&2; echo first"), expect("first\nsecond\n"), end(), closed()}},
	{Name: "no output", Steps: []Step{send("true"), expect(noOutput), end(), closed()}},
	{Name: "quit", Steps: []Step{send("quit"), closed()}},
}

var shellLengthTable = []Transcript{
	{Name: "a command", Steps: []Step{
		send("echo hello"), expect("6"), send("recv_ready"), expect("hello\n"), end(), closed(),
	}, Alone: merelyChunks},
	{Name: "commands with line ends", Steps: []Step{
		send("echo one\n"), expect("4"), send("recv_ready"), expect("one\n"),
		send("echo three\n"), expect("6"), send("recv_ready"), expect("three\n"), end(), closed(),
	}},
	{Name: "an answer of more than one recv", Steps: []Step{
		send("printf %02000d 7\n"), expect("2000"), send("recv_ready"), expect(strings.Repeat("0", 1999) + "7"), end(), closed(),
	}},
	{Name: "no output", Steps: []Step{send("true\n"), expect("15"), send("recv_ready"), expect(noOutput), end(), closed()}},
}

var sinkTable = []Transcript{
	{Name: "no answer", Steps: []Step{send("one"), send("two"), send("three"), end(), closed()}},
}

var chatTable = []Transcript{
	{Name: "both ways", Steps: []Step{
		on(0, send("hello\n")), on(1, expect("hello\n")),
		on(1, send("你好\n")), on(0, expect("你好\n")),
		on(0, send("one\n")), on(0, send("two\n")), on(1, expect("one\ntwo\n")),
		on(0, end()), on(0, closed()), on(1, end()), on(1, closed()),
	}},
	{
		Name: "without a line end",
		Steps: []Step{
			on(0, send("hello")), on(1, expect("hello\n")), on(1, send("hi")), on(0, expect("hi\n")),
			on(0, end()), on(0, closed()), on(1, end()), on(1, closed()),
		},
	},
}
