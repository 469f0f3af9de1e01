package service

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/spf13/pflag"
)

func init() {
	All.Add(Service{
		Name:  "menu",
		Port:  8009,
		About: "TCP: a greeting, then an answer to each choice; exit closes",
		New: func(flags *pflag.FlagSet) Handlers {
			settle := settleFlag(flags)
			return Handlers{Stream: func(_ context.Context, c *Conn) error {
				return menu(c, time.Duration(*settle))
			}}
		},
	})
}

// What the tutorial's menu says.
const (
	menuGreeting = "欢迎致电 10086,请输入1xxx,0转人工服务."
	menuRecorded = "通过可能会被录音.balabala一大推"
	menuAgain    = "请重新输入."
)

// What it understands.
var (
	menuOperator = []byte("0")
	menuExit     = []byte("exit")
)

func menu(c *Conn, settle time.Duration) error {
	if _, err := io.WriteString(c, menuGreeting); err != nil {
		return err
	}
	r := newRequests(c, settle)
	for {
		b, err := r.next(wholeChoices)
		if err != nil {
			return err
		}
		all, _ := choices(b)
		for _, choice := range all {
			if bytes.Equal(choice, menuExit) {
				return c.Finish()
			}
			answer := menuAgain
			if bytes.Equal(choice, menuOperator) {
				answer = menuRecorded
			}
			if _, err := io.WriteString(c, answer); err != nil {
				return err
			}
		}
	}
}

// choices returns the choices in b: several, where known ones have arrived merged
// into one chunk ("0exit"); everything else is one choice that the menu does not
// know.
func choices(b []byte) (all [][]byte, known bool) {
	for rest := trimLineEnds(b); len(rest) > 0; {
		n := knownChoice(rest)
		if n == 0 {
			return [][]byte{b}, false
		}
		all = append(all, rest[:n])
		rest = trimLineEnds(rest[n:])
	}
	if all == nil {
		return [][]byte{b}, false
	}
	return all, true
}

// wholeChoices returns the length of b if nothing can be missing from it.
func wholeChoices(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	if _, known := choices(b); known || b[len(b)-1] == '\n' {
		return len(b)
	}
	return 0
}

// knownChoice returns the length of the known choice with which b begins, or 0.
func knownChoice(b []byte) int {
	for _, known := range [][]byte{menuOperator, menuExit} {
		if bytes.HasPrefix(b, known) {
			return len(known)
		}
	}
	return 0
}

func trimLineEnds(b []byte) []byte { return bytes.TrimLeft(b, "\r\n") }
