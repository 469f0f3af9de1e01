package service

import (
	"bytes"
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

func init() {
	All.Add(Service{
		Name:  "chat",
		Port:  50008,
		About: "TCP: each line goes to all the others, at any time",
		New: func(flags *pflag.FlagSet) Handlers {
			ch := &chat{settle: settleFlag(flags), room: newRoom()}
			return Handlers{Stream: ch.serve}
		},
	})
}

// chat passes lines on between its clients. Each has a goroutine that reads and one
// that writes; a client that does not read holds nobody up.
type chat struct {
	settle *positive
	room   *room
}

// errSlow ends a client that does not read.
var errSlow = errors.New("it does not read what the others say")

func (ch *chat) serve(_ context.Context, c *Conn) error {
	m := ch.room.enter(func() { c.socket.Close() })
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		if err := m.deliver(c); err != nil {
			c.socket.Close() // and with it the read below
		}
	}()
	err := ch.listen(c, m)
	ch.room.leave(m)
	// What was said to this client before it left, it still gets, if it reads.
	limitErr := c.socket.SetWriteDeadline(time.Now().Add(finishLimit))
	if limitErr != nil {
		c.socket.Close()
	}
	<-delivered
	if m.dropped() {
		return errSlow
	}
	return err
}

// listen passes on what a client says until it leaves.
func (ch *chat) listen(c *Conn, m *member) error {
	r := newRequests(c, time.Duration(*ch.settle))
	for {
		b, err := r.next(lineEnd)
		if err != nil {
			return err
		}
		line := bytes.TrimRight(b, "\r\n")
		if len(line) == 0 {
			continue
		}
		if !utf8.Valid(line) {
			const why = "that was not UTF-8 and was not passed on"
			c.journal.refused(c.remote, string(line), why)
			m.hear([]byte("chat: " + why + "\n"))
			continue
		}
		ch.room.say(m, append(bytes.Clone(line), '\n'))
	}
}

// lineEnd returns the length of the line with which b begins; one that is too long
// ends between two characters.
func lineEnd(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	if len(b) < requestSize {
		return 0
	}
	for last := len(b) - 1; last >= len(b)-utf8.UTFMax; last-- {
		if utf8.RuneStart(b[last]) && !utf8.FullRune(b[last:]) {
			return last
		}
	}
	return len(b)
}
