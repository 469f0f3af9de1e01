package service

import (
	"context"

	"github.com/spf13/pflag"
)

func init() {
	All.Add(Service{
		Name:  "echo",
		Port:  50007,
		About: "TCP and UDP: what came goes back",
		New: func(*pflag.FlagSet) Handlers {
			return Handlers{Stream: echo, Datagram: echoDatagram}
		},
	})
}

// chunkSize is the most that one read of a service returns.
const chunkSize = 16 << 10

// echo sends back each chunk until the client ends its side.
func echo(_ context.Context, c *Conn) error {
	return answerChunks(c, func(b []byte) []byte { return b })
}

func echoDatagram(_ context.Context, b []byte) []byte { return b }

// answerChunks sends answer's result for each chunk, until a read or a write
// fails: also a client that vanished ends the loop.
func answerChunks(c *Conn, answer func([]byte) []byte) error {
	b := make([]byte, chunkSize)
	for {
		n, err := c.Read(b)
		if err != nil {
			return err
		}
		if _, err := c.Write(answer(b[:n])); err != nil {
			return err
		}
	}
}
