package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

func typeCommand() *cobra.Command {
	t := &typist{}
	t.service, t.port = "type", 8000
	t.do = typeLines
	t.check = func(lines []string) error {
		if len(lines) == 0 {
			return errors.New(`which lines? client type 10.1.1.10:8000 "GET / HTTP/1.0" ""`)
		}
		return nil
	}
	cmd := t.command("type ADDR LINE...", "Send lines as one types them, each ended by CR LF, and print what comes until the server closes")
	cmd.Example = `  client type 10.1.1.10:8000 "GET / HTTP/1.0" ""`
	return cmd
}

// typist is who speaks a protocol of lines without a program for it.
type typist struct{ session }

func typeLines(_ context.Context, s *stream, lines []string) error {
	for _, l := range lines {
		b := []byte(l + "\r\n")
		if err := s.send(b); err != nil {
			return err
		}
		printSent(s.events, b)
	}
	return s.printLines()
}

// printLines prints the lines that come until the server closes, with their ends,
// and at most as many bytes as an answer may have.
func (s *stream) printLines() error {
	r := bufio.NewReader(io.LimitReader(timed{s}, maxAnswer))
	for {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			s.events.Print("received", fmt.Sprintf("%q", line), slog.String("text", string(line)), slog.Int("bytes", len(line)))
		}
		switch {
		case err == io.EOF:
			s.events.Print("closed", s.remote.String(), slog.Any("remote", s.remote))
			return nil
		case err != nil:
			return s.fail("recv", err)
		}
	}
}
