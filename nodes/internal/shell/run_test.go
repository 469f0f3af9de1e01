package shell

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// generous bounds what is to end by itself.
var generous = Limits{Time: time.Minute, Output: 1 << 20}

func run(t *testing.T, command string, l Limits) Result {
	t.Helper()
	r, err := Run(context.Background(), command, l)
	require.NoError(t, err)
	return r
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "poem"), []byte("one\ntwo\nthree\n"), 0o644))
	in := func(command string) string { return "cd " + dir + "; " + command }
	for command, want := range map[string]Result{
		"echo hi":                       {Stdout: []byte("hi\n")},
		"echo hi; echo no >&2":          {Stdout: []byte("hi\n"), Stderr: []byte("no\n")},
		"true":                          {},
		"exit 3":                        {Status: 3},
		"for i in 1 2; do echo $i;done": {Stdout: []byte("1\n2\n")},
		"echo $((6*7)) | cat":           {Stdout: []byte("42\n")},
		"nonesuch":                      {Stderr: []byte("sh: nonesuch: command not found (commands shows those there are)\n"), Status: 127},
		"/bin/true":                     {Stderr: []byte("sh: /bin/true: command not found (commands shows those there are)\n"), Status: 127},
		"echo 'unclosed":                {Stderr: []byte("sh: 1:6: reached EOF without closing quote `'`\n"), Status: 2},
		in("cat poem"):                  {Stdout: []byte("one\ntwo\nthree\n")},
		in("cat < poem | wc -l"):        {Stdout: []byte("3\n")},
		in("wc poem"):                   {Stdout: []byte("3 3 14 poem\n")},
		in("head -2 poem"):              {Stdout: []byte("one\ntwo\n")},
		in("head -n 1 poem"):            {Stdout: []byte("one\n")},
		in("tail -n1 poem"):             {Stdout: []byte("three\n")},
		in("grep -n t poem"):            {Stdout: []byte("2:two\n3:three\n")},
		in("grep -vc '^t' poem"):        {Stdout: []byte("1\n")},
		in("grep -i TWO poem poem"):     {Stdout: []byte("poem:two\npoem:two\n")},
		in("grep four poem"):            {Status: 1},
		in("ls"):                        {Stdout: []byte("poem\n")},
		in("cp poem copy && rm copy"):   {},
		in("head none"):                 {Stderr: []byte("head: open " + dir + "/none: no such file or directory\n"), Status: 1},
		"head -n x":                     {Stderr: []byte("head: invalid argument \"x\" for \"-n, --lines\" flag: strconv.ParseInt: parsing \"x\": invalid syntax\n"), Status: 1},
		"seq 3 5":                       {Stdout: []byte("3\n4\n5\n")},
		"yes no | head -n 2":            {Stdout: []byte("no\nno\n")},
		"yes no way | head -n 1":        {Stdout: []byte("no way\n")},
		"sleep 0 && echo woke":          {Stdout: []byte("woke\n")},
		"sleep x":                       {Stderr: []byte("sleep: x is no number of seconds\n"), Status: 1},
		"env":                           {Stdout: []byte("HOME=/\nPATH=/bin\n")},
		"ip tunnel":                     {Stderr: []byte("ip: only ip addr, ip route and ip neigh are here\n"), Status: 1},
	} {
		t.Run(command, func(t *testing.T) {
			got := run(t, command, generous)
			assert.Equal(t, string(want.Stdout), string(got.Stdout))
			assert.Equal(t, string(want.Stderr), string(got.Stderr))
			assert.Equal(t, want.Status, got.Status)
			assert.Empty(t, got.Cut)
		})
	}
}

func TestWhatTheMachineTells(t *testing.T) {
	for command, want := range map[string]string{
		"hostname":      `^\S+\n$`,
		"whoami":        `^\S+\n$`,
		"id":            `^uid=\d+\(\S+\) gid=\d+\n$`,
		"uname -a":      `^Linux \S+ .+\n$`,
		"date":          `^\w+ \w+ .*\d\d:\d\d:\d\d.*\n$`,
		"ps":            `(?s)^  PID USER     COMMAND\n.* sh --seconds 60 -c ps\n`,
		"tasklist":      `-c tasklist\n`,
		"ip":            `(?s)lo: <.*>.*inet 127\.0\.0\.1/8\n`,
		"ipconfig /all": `inet 127\.0\.0\.1/8\n`,
		"ip a":          `inet 127\.0\.0\.1/8\n`,
		"dir /":         `(?m) proc$`,
		"ip route":      ``,
		"ip neigh":      ``,
	} {
		got := run(t, command, generous)
		assert.Regexp(t, want, string(got.Stdout), command)
		assert.Empty(t, string(got.Stderr), command)
		assert.Zero(t, got.Status, command)
	}
}

// TestCommandsListsThemAll calls each with a flag that none has: one that is not
// there would say so.
func TestCommandsListsThemAll(t *testing.T) {
	listed := strings.Fields(string(run(t, "commands", generous).Stdout))
	assert.Len(t, listed, len(table())+len(fromCoreutils))
	for _, name := range listed {
		if name == "yes" || name == "ps" {
			continue // they take any argument
		}
		got := run(t, name+" --nonesuch", generous)
		assert.NotContains(t, string(got.Stderr), "command not found", name)
		assert.NotZero(t, got.Status, name)
	}
}

func TestACommandThatIsEnded(t *testing.T) {
	short := Limits{Time: 300 * time.Millisecond, Output: 1 << 10}
	for command, want := range map[string]string{
		"sleep 1000":             "still running after 300ms",
		"while true; do :; done": "still running after 300ms",
		"echo begun; sleep 1000": "still running after 300ms",
		"yes":                    "more than 1024 bytes of output",
		"yes >&2":                "more than 1024 bytes of output",
		"cat /dev/zero":          "more than 1024 bytes of output",
	} {
		t.Run(command, func(t *testing.T) {
			got := run(t, command, short)
			assert.Equal(t, want, got.Cut)
			assert.LessOrEqual(t, len(got.Stdout)+len(got.Stderr), short.Output)
			if strings.HasPrefix(command, "echo") {
				assert.Equal(t, "begun\n", string(got.Stdout))
			}
		})
	}
}

func TestAFileThatGrowsTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	got := run(t, "cat /dev/zero > "+path, generous)
	assert.NotZero(t, got.Status)
	assert.Empty(t, got.Cut)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.EqualValues(t, fileLimit, info.Size())
}

func TestTheEndOfTheCallerEndsTheCommand(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	begun := make(chan error, 1)
	go func() {
		_, err := Run(ctx, "sleep 1000", generous)
		begun <- err
	}()
	cancel()
	assert.ErrorIs(t, <-begun, context.Canceled)
}

func TestIncomplete(t *testing.T) {
	for line, want := range map[string]bool{
		"ls\n": false, "for i in 1 2\n": true, "for i in 1 2\ndo echo $i; done\n": false,
		"echo 'a\n": true, "if": true, ")": false, "": false, "cat <<END\nx\n": true,
	} {
		assert.Equal(t, want, Incomplete([]byte(line)), line)
	}
}

func FuzzIncomplete(f *testing.F) {
	for _, seed := range []string{"ls\n", "for i in 1 2\n", "echo 'a", "cat <<END\nx\n", "\xff\x00", "$((", "${a[@]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		Incomplete(b)
		assert.Equal(t, before, b)
	})
}
