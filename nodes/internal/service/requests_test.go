package service

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/observe"
)

func TestChoices(t *testing.T) {
	for in, want := range map[string][]string{
		"0":        {"0"},
		"0exit":    {"0", "exit"},
		"00":       {"0", "0"},
		"0\r\n0\n": {"0", "0"},
		"0x":       {"0x"},
		"1234":     {"1234"},
		"exi":      {"exi"},
		"\n":       {"\n"},
		"0ex":      {"0ex"},
	} {
		all, _ := choices([]byte(in))
		var got []string
		for _, c := range all {
			got = append(got, string(c))
		}
		assert.Equal(t, want, got, "%q", in)
	}
}

func FuzzChoices(f *testing.F) {
	for _, seed := range []string{"", "0", "exit", "0exit0", "e", "\r\n", "0\n1", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n := wholeChoices(b)
		assert.True(t, n == 0 || n == len(b))
		all, known := choices(b)
		if known {
			assert.Equal(t, len(b), n)
			assert.Equal(t, string(bytes.Join(all, nil)), strings.NewReplacer("\r", "", "\n", "").Replace(string(b)))
			return
		}
		require.Len(t, all, 1)
		assert.Equal(t, string(b), string(all[0]))
	})
}

func FuzzCommandEnd(f *testing.F) {
	for _, seed := range []string{"ls", "ls\n", "for i in 1\ndo :; done\nls\n", "echo 'a\n'\n", "\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), requestSize)]
		end := commandEnd(b)
		require.LessOrEqual(t, end, len(b))
		if end > 0 {
			assert.Equal(t, byte('\n'), b[end-1])
		}
	})
}

// FuzzFrames: the messages of a stream do not depend on how it is cut, and framing
// them again gives the stream.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("one\ntwo\n"), false)
	f.Add([]byte("\x00\x00\x00\x03one\x00\x00\x00\x00"), true)
	f.Add([]byte("\xff\xff\xff\xff"), true)
	f.Add([]byte("no end"), false)
	f.Fuzz(func(t *testing.T, b []byte, prefixed bool) {
		split := scanLine
		if prefixed {
			split = scanLength
		}
		var again []byte
		rest := b
		for {
			n, token, err := split(rest, true)
			require.LessOrEqual(t, n, len(rest))
			if err != nil || n == 0 {
				break
			}
			if prefixed {
				again = binary.BigEndian.AppendUint32(again, uint32(len(token)))
				again = append(again, token...)
			} else {
				again = append(append(again, token...), '\n')
			}
			rest = rest[n:]
		}
		assert.Equal(t, string(b[:len(b)-len(rest)]), string(again))
	})
}

func TestFramesThatAreNone(t *testing.T) {
	server := run(t, Options{}, "sink-line=127.0.0.1:0", "sink-length=127.0.0.1:0")
	for _, tt := range []struct{ service, in, want string }{
		{"sink-length", "\xff\xff\xff\xff", "a length of 4294967295 bytes; the most is 65536"},
		{"sink-length", "\x00\x00\x00\x05abc", "the stream ended within a message"},
		{"sink-line", "no end", "the stream ended within a message"},
		{"sink-line", strings.Repeat("x", maxMessage+1), "no line end in 65536 bytes"},
	} {
		c := server.dial(t, tt.service+" tcp")
		send(t, c, tt.in, len(tt.in))
		server.log.Wait(t, "closed     "+c.LocalAddr().String()+" "+tt.want+"\n")
	}
}

// TestSmallRecv: even a recv of a byte is the kernel's own, and a question for the
// observed address in between is answered.
func TestSmallRecv(t *testing.T) {
	server := runWith(t, []string{"--recv=2"}, "sink=127.0.0.1:0")
	c := server.dial(t, "sink tcp")
	me := c.LocalAddr().String()
	say(t, c, "abc")
	server.log.Wait(t, `1 byte "c"`)
	seen, err := observe.Ask(c)
	require.NoError(t, err)
	assert.Equal(t, me, seen.String())
	send(t, c, "d", 1)
	_, err = io.ReadAll(c)
	require.NoError(t, err)
	server.log.Wait(t, "closed ")
	want := strings.ReplaceAll("received   ME 2 bytes \"ab\"\nreceived   ME 1 byte \"c\"\nobserved   ME (the client asked)\nreceived   ME 1 byte \"d\"\nclosed     ME EOF\n", "ME", me)
	assert.Contains(t, server.log.String(), want)
}

// TestEveryServiceTellsTheObservedAddress, in the middle of what it does.
func TestEveryServiceTellsTheObservedAddress(t *testing.T) {
	for _, name := range append([]string{"sink-line", "sink-length"}, tutorials...) {
		server := runWith(t, []string{"--dir", t.TempDir()}, name+"=127.0.0.1:0")
		c := server.dial(t, name+" tcp")
		if name == "menu" {
			_, err := io.ReadFull(c, make([]byte, len(menuGreeting)))
			require.NoError(t, err)
		}
		seen, err := observe.Ask(c)
		require.NoError(t, err, name)
		assert.Equal(t, c.LocalAddr().String(), seen.String(), name)
	}
}
