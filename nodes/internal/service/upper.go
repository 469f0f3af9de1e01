package service

import (
	"context"

	"github.com/spf13/pflag"
)

func init() {
	All.Add(Service{
		Name:  "upper",
		Port:  8081,
		About: "TCP: each chunk back in upper case",
		New: func(*pflag.FlagSet) Handlers {
			return Handlers{Stream: upper}
		},
	})
}

func upper(_ context.Context, c *Conn) error {
	return answerChunks(c, upperASCII)
}

// upperASCII changes the letters a to z of b in place, as the tutorial's
// bytes.upper() does in Python. Other letters stay: a chunk may end within a
// character, and an answer of another length could not be told from a part of one.
func upperASCII(b []byte) []byte {
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return b
}
