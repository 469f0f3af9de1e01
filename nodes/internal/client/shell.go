package client

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/charset"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// shellRecv is what the tutorial's client asks of each recv.
const shellRecv = 1024

// remoteShell is a conversation of commands and what they print.
type remoteShell struct {
	*stream
	encoding charset.Name
	answer   func(s *remoteShell) error // reads and prints what a command prints
	size     int                        // of a recv, in bytes
}

func shellCommand() *cobra.Command {
	sh := &remoteShell{answer: (*remoteShell).oneRecv}
	cmd := sh.command(&dialogue{service: "shell", port: 8080}, "Send commands and print what one recv returns of each answer",
		`  client shell 10.1.1.10:8080 "ls -l" "echo hi"
  client shell 10.1.1.10:8080 --recv 64 help "echo hi"     (answers stick together)`)
	cmd.Flags().IntVar(&sh.size, "recv", shellRecv, "how many bytes the recv of an answer asks for")
	return cmd
}

// command returns the cobra command of a shell's client.
func (sh *remoteShell) command(d *dialogue, short, example string) *cobra.Command {
	d.open = func(ctx context.Context, remote addr.Remote, o *options) (conversation, error) {
		c, err := openStream(nil)(ctx, remote, o)
		if err != nil {
			return nil, err
		}
		sh.stream = c.(*stream)
		return sh, nil
	}
	d.messages = func(cmd *cobra.Command, args []string) (iter.Seq2[[]byte, error], error) {
		if sh.size < 1 {
			return nil, node.Usagef("--recv %d: must be at least 1", sh.size)
		}
		commands, err := d.argsOrLines(cmd, args)
		return untilQuit(commands), err
	}
	cmd := d.command(d.service+" ADDR [COMMAND...]", short, never)
	cmd.Example = example
	sh.encoding = charset.UTF8
	cmd.Flags().Var(&sh.encoding, "encoding", "what the answers are encoded in; gbk for a Chinese Windows")
	return cmd
}

// untilQuit ends at the command quit, which is the client's own and is not sent.
func untilQuit(commands iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for c, err := range commands {
			if string(c) == "quit" || !yield(c, err) {
				return
			}
		}
	}
}

func (sh *remoteShell) say(command []byte) error {
	if err := sh.send(command); err != nil {
		return err
	}
	return sh.answer(sh)
}

// oneRecv takes for the answer what one recv returns, as the tutorial does: what is
// longer sticks to the next.
func (sh *remoteShell) oneRecv() error {
	b, err := sh.recv(sh.size)
	if err != nil {
		return err
	}
	if len(b) == 0 {
		return sh.hungUp("without an answer")
	}
	sh.print(b, fmt.Sprintf("recv(%d) = %d", sh.size, len(b)))
	return nil
}

// print prints an answer, line by line.
func (sh *remoteShell) print(b []byte, how string) {
	text := sh.encoding.Strict(b)
	if sh.events.Format() == node.JSON {
		sh.events.Print("reply", "", slog.String("text", text), slog.Int("bytes", len(b)))
		return
	}
	sh.events.Print("reply", how)
	for line := range strings.Lines(text) {
		sh.events.Line("output", node.Printable(strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")))
	}
}
