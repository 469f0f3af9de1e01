package client

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// framing is how a message is told from the next. It is a pflag.Value.
type framing string

const (
	unframed framing = "none"   // not at all
	line     framing = "line"   // by a line end after it
	length   framing = "length" // by its length before it, 4 bytes in network order
)

func (f *framing) String() string { return string(*f) }
func (f *framing) Type() string   { return "none|line|length" }

func (f *framing) Set(s string) error {
	switch v := framing(s); v {
	case unframed, line, length:
		*f = v
		return nil
	}
	return fmt.Errorf("no such framing; choose %s, %s or %s", unframed, line, length)
}

// frame returns message as it travels.
func (f framing) frame(message []byte) []byte {
	switch f {
	case line:
		return append(message, '\n')
	case length:
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
	}
	return message
}

// sink is a client that only sends.
type sink struct {
	session
	frame framing
	pause time.Duration // between two sends
}

func sinkCommand() *cobra.Command {
	k := &sink{frame: unframed}
	k.service, k.port = "sink", 8090
	k.do = k.sendAll
	k.check = func(args []string) error {
		if len(args) == 0 {
			return errors.New(`which messages? client sink 10.1.1.10:8090 one two three`)
		}
		if k.pause < 0 {
			return fmt.Errorf("--pause %v is negative", k.pause)
		}
		return nil
	}
	cmd := k.command("sink ADDR MESSAGE...", "Send messages, each by a send of its own, and end")
	cmd.Example = `  client sink 10.1.1.10:8090 one two three
  client sink 10.1.1.10:8091 --frame line one two three
  client sink 10.1.1.10:8092 --frame length one two three
  client sink 10.1.1.10:8090 --udp one two three`
	cmd.Flags().Var(&k.frame, "frame", "how a message is told from the next")
	cmd.Flags().DurationVar(&k.pause, "pause", 0, "wait this long between two sends")
	cmd.Flags().BoolVar(&k.options.nagle, "nagle", false, "let the kernel wait for more before it sends (TCP_NODELAY off)")
	cmd.Flags().BoolVar(&k.udp, "udp", false, "send datagrams, each message as one")
	stream := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if k.udp {
			return k.runDatagrams(cmd, args)
		}
		return stream(cmd, args)
	}
	return cmd
}

func (k *sink) sendAll(ctx context.Context, s *stream, messages []string) error {
	for m, err := range k.paced(ctx, messages) {
		if err == nil {
			err = s.send(m)
		}
		if err != nil {
			return err
		}
		printSent(s.events, m)
	}
	if _, err := s.finish(); err != nil {
		return err
	}
	s.events.Print("closed", fmt.Sprintf("%v has read everything", s.remote), slog.Any("remote", s.remote))
	return nil
}

// paced yields the messages as they travel, each when its time has come.
func (k *sink) paced(ctx context.Context, messages []string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i, m := range messages {
			if i > 0 && k.pause > 0 {
				select {
				case <-time.After(k.pause):
				case <-ctx.Done():
					yield(nil, context.Cause(ctx))
					return
				}
			}
			if !yield(k.frame.frame([]byte(m)), nil) {
				return
			}
		}
	}
}

// printSent prints a call of send that took all of b.
func printSent(e *node.Events, b []byte) {
	e.Print("sent", fmt.Sprintf("send(%q) = %d", b, len(b)), slog.String("text", string(b)), slog.Int("bytes", len(b)))
}
