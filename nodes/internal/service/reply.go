package service

import (
	"context"
	"io"

	"github.com/spf13/pflag"
)

func init() {
	All.Add(Service{
		Name:  "reply",
		Port:  9999,
		About: "TCP: reads one chunk, sends one answer, closes",
		New: func(*pflag.FlagSet) Handlers {
			return Handlers{Stream: reply}
		},
	})
}

// replyText is the tutorial's answer to whatever the client asks.
const replyText = "不要回答,不要回答,不要回答"

func reply(_ context.Context, c *Conn) error {
	if _, err := c.Read(make([]byte, 1024)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, replyText); err != nil {
		return err
	}
	return c.Finish()
}
