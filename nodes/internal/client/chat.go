package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// chat is the client of the chat service.
type chat struct {
	session
	name  string
	lines []string // to say, in place of standard input
	when  string   // say them once a line with this text was heard
	until string   // leave once a line with this text was heard
	calls bool     // print each system call
	in    io.Reader
}

func chatCommand() *cobra.Command {
	c := &chat{}
	c.service, c.port = "chat", 50008
	c.do = c.talkAndListen
	c.check = func(args []string) error {
		switch {
		case len(args) > 0:
			return errors.New("what is to be said follows --say")
		case c.observe != never:
			return errors.New("--observe: in a chat others may speak before the answer comes; the server's log has the address")
		}
		return nil
	}
	cmd := c.command("chat ADDR", "Talk and listen at the same time, with non-blocking calls in one loop")
	cmd.Long = `Talk and listen at the same time. One loop asks poll what can be done without
waiting, for the socket and the keyboard alike; no call blocks. What is typed goes to
the others line by line, until Ctrl-D.`
	cmd.Example = `  client chat 10.1.1.10:50008 --name ann
  client chat 10.1.1.10:50008 --name ann --say hello --until bye
  client chat 10.1.1.10:50008 --name bob --when hello --say hi --say bye`
	f := cmd.Flags()
	f.StringVar(&c.name, "name", "", "put this name before each line")
	f.StringArrayVar(&c.lines, "say", nil, "say this line instead of what is typed; may be repeated")
	f.StringVar(&c.when, "when", "", "begin to say the lines of --say once a line with this text was heard")
	f.StringVar(&c.until, "until", "", "leave once a line with this text was heard")
	f.BoolVar(&c.calls, "calls", false, "print each system call with its result")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c.in = cmd.InOrStdin()
		if c.when != "" && len(c.lines) == 0 {
			return node.Usagef("--when %s: say what? Give --say", c.when)
		}
		return run(cmd, args)
	}
	return cmd
}

// scripted reports whether what is said comes from the command line.
func (c *chat) scripted() bool { return len(c.lines) > 0 || c.until != "" }

// talkAndListen runs the loop with the socket's descriptor, which Go has made
// non-blocking.
func (c *chat) talkAndListen(ctx context.Context, s *stream, _ []string) error {
	loop := &chatLoop{chat: c, stream: s, in: -1}
	if err := loop.input(); err != nil {
		return err
	}
	wake, err := newInterruptible(ctx, nil)
	if err != nil {
		return err
	}
	defer wake.close()
	loop.wake = int(wake.wake.Fd())
	raw, err := s.socket.SyscallConn()
	if err != nil {
		return err
	}
	var loopErr error
	if err := raw.Control(func(fd uintptr) { loopErr = loop.run(ctx, int(fd)) }); err != nil {
		return s.fail("poll", err)
	}
	return loopErr
}

// input settles where the lines come from that are said: from the command line,
// from a file that poll can ask, as a rule the keyboard, or from a reader that is
// at its end at once.
func (l *chatLoop) input() error {
	if l.scripted() {
		return nil
	}
	if f, ok := l.chat.in.(*os.File); ok {
		l.in = int(f.Fd())
		if isTerminal(f) {
			l.events.Narrate("Type a line to say it; Ctrl-D ends.")
		}
		return nil
	}
	b, err := io.ReadAll(l.chat.in)
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	l.sayTyped(b)
	l.leave()
	return nil
}
