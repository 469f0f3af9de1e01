package service

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/spf13/pflag"

	"github.com/crosslan/crosslan/nodes/internal/charset"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/shell"
)

func init() {
	All.Add(Service{
		Name:  "shell",
		Port:  8080,
		About: "TCP: each chunk is a command; its output comes back",
		New: func(flags *pflag.FlagSet) Handlers {
			s := newShell(flags)
			return Handlers{Stream: func(ctx context.Context, c *Conn) error {
				return s.serve(ctx, c, sendPlain)
			}}
		},
	})
}

// noOutput is the answer to a command that prints nothing.
const noOutput = "无返回内容"

// quit leaves; the tutorials' clients do not even send it.
var quit = []byte("quit")

// remoteShell runs commands for its clients.
type remoteShell struct {
	time     *positive
	output   *limited
	encoding *charset.Name
	settle   *positive
}

func newShell(flags *pflag.FlagSet) *remoteShell {
	limit := positive(5 * time.Second)
	utf := charset.UTF8
	return &remoteShell{
		time:     shared(flags, "run-limit", "shell: end a command that runs longer", &limit),
		output:   shared(flags, "output-limit", "shell: end a command that prints more bytes", &limited{value: 256 << 10, least: 1, most: 64 << 20}),
		encoding: shared(flags, "encoding", "shell: what the answers are encoded in; commands are UTF-8 or this", &utf),
		settle:   settleFlag(flags),
	}
}

// sender sends an answer.
type sender func(r *requests, answer []byte) error

// serve runs one command after the other until the client leaves.
func (s *remoteShell) serve(ctx context.Context, c *Conn, send sender) error {
	r := newRequests(c, time.Duration(*s.settle))
	for {
		b, err := r.next(commandEnd)
		if err != nil {
			return err
		}
		b = bytes.TrimSpace(b)
		if len(b) == 0 {
			continue
		}
		if bytes.Equal(b, quit) {
			return c.Finish()
		}
		answer, err := s.run(ctx, c, b)
		if err != nil {
			return err
		}
		if err := send(r, answer); err != nil {
			return err
		}
	}
}

// commandEnd returns the length of the command with which b begins, up to its line
// end, or 0 if that is not there yet or if something is still to come, as the end
// of a loop.
func commandEnd(b []byte) int {
	for end := 0; ; {
		i := bytes.IndexByte(b[end:], '\n')
		if i < 0 {
			return 0
		}
		end += i + 1
		if !shell.Incomplete(b[:end]) {
			return end
		}
	}
}

// run runs a command and returns the answer: what it printed, first on its standard
// output, then on its standard error, and at the end why it was ended, if it was.
func (s *remoteShell) run(ctx context.Context, c *Conn, b []byte) ([]byte, error) {
	command, err := s.encoding.Decode(b)
	if err != nil {
		c.journal.refused(c.remote, string(b), err.Error())
		return s.encoding.Encode("shell: " + err.Error() + "\n"), nil
	}
	begin := time.Now()
	result, err := shell.Run(ctx, command, shell.Limits{Time: time.Duration(*s.time), Output: s.output.value})
	if err != nil {
		return nil, err
	}
	answer := string(result.Stdout) + string(result.Stderr)
	if result.Cut != "" {
		answer += fmt.Sprintf("\n[the server ended the command: %s]\n", result.Cut)
	}
	if answer == "" {
		answer = noOutput
	}
	c.journal.ran(c.remote, command, result, time.Since(begin))
	return s.encoding.Encode(answer), nil
}

// sendPlain sends an answer without a word about its length.
func sendPlain(r *requests, answer []byte) error {
	_, err := r.conn.Write(answer)
	return err
}

func (j journal) ran(remote netip.AddrPort, command string, result shell.Result, took time.Duration) {
	text := fmt.Sprintf("%v %s exit %d after %.2f s", remote, node.Quote([]byte(command)), result.Status, took.Seconds())
	if result.Cut != "" {
		text = fmt.Sprintf("%v %s ended: %s", remote, node.Quote([]byte(command)), result.Cut)
	}
	j.print("ran", remote, text, slog.String("command", command), slog.Int("status", result.Status),
		slog.String("cut", result.Cut), slog.Float64("seconds", took.Seconds()))
}
