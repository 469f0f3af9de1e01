package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
)

func init() {
	All.Add(Service{
		Name:  "later",
		Port:  50009,
		About: `TCP and UDP: "3s hello" is answered with hello, after three seconds of silence`,
		New: func(*pflag.FlagSet) Handlers {
			return Handlers{Stream: later, Datagram: laterDatagram, Delay: laterDelay}
		},
	})
}

// maxDelay bounds how long an answer is held back.
const maxDelay = 10 * time.Minute

// errLater is the answer to a request that is not understood.
var errLater = errors.New(`write a time and a text, such as "3s hello"`)

// parseLater reads a request: how long to wait, and what to say then.
func parseLater(b []byte) (time.Duration, []byte, error) {
	word, text, found := bytes.Cut(bytes.TrimRight(b, "\r\n"), []byte(" "))
	if !found || len(text) == 0 {
		return 0, nil, errLater
	}
	delay, err := time.ParseDuration(string(word))
	if err != nil || delay < 0 {
		return 0, nil, errLater
	}
	if delay > maxDelay {
		return 0, nil, fmt.Errorf("%v is too long; %v is the most", delay, maxDelay)
	}
	return delay, text, nil
}

// later answers each chunk when its time has come. A client that ends its side is
// still answered: half-close.
func later(ctx context.Context, c *Conn) error {
	b := make([]byte, chunkSize)
	for {
		n, err := c.Read(b)
		if err != nil {
			return err
		}
		delay, text, err := parseLater(b[:n])
		if err != nil {
			text = []byte("later: " + err.Error() + "\n")
		}
		if err := wait(ctx, delay); err != nil {
			return err
		}
		if _, err := c.Write(text); err != nil {
			return err
		}
	}
}

// wait returns when d has passed, or an error when ctx ends before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// laterDatagram answers nothing to an empty datagram, which keeps a NAT's mapping
// alive and says no more.
func laterDatagram(_ context.Context, b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	_, text, err := parseLater(b)
	if err != nil {
		return []byte("later: " + err.Error())
	}
	return text
}

func laterDelay(b []byte) time.Duration {
	delay, _, err := parseLater(b)
	if err != nil {
		return 0
	}
	return delay
}
