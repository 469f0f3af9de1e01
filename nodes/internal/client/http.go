package client

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

// web is what a browser does, as far as sockets go.
type web struct {
	session
	accept string
}

func httpCommand() *cobra.Command {
	w := &web{}
	w.service, w.port = "http", 8000
	w.do = w.get
	w.check = func(args []string) error {
		if len(args) > 1 || (len(args) == 1 && !strings.HasPrefix(args[0], "/")) {
			return fmt.Errorf("%q: give one path at most, such as /", args)
		}
		return nil
	}
	cmd := w.command("http ADDR [PATH]", "Send GET as a browser does, and print status, headers and body")
	cmd.Example = `  client http 10.1.1.10:8000
  client http 10.1.1.10:8000 /none`
	cmd.Flags().StringVar(&w.accept, "accept", "text/plain", "the header Accept; text/html for the page that a browser gets")
	return cmd
}

// maxBody is the largest body that is printed, in bytes.
const maxBody = 1 << 20

func (w *web) get(ctx context.Context, s *stream, args []string) error {
	path := "/"
	if len(args) == 1 {
		path = args[0]
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.remote.String()+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", "crosslan")
	r.Header.Set("Accept", w.accept)
	r.Close = true // the server is to end the connection, as in HTTP/1.0
	var request bytes.Buffer
	if err := r.Write(&request); err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	if err := s.send(request.Bytes()); err != nil {
		return err
	}
	for line := range strings.Lines(request.String()) {
		printHTTP(s.events, "request", line)
	}
	if err := s.limit(); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(s.socket), r)
	if err != nil {
		return s.fail("recv", err)
	}
	defer response.Body.Close()
	return w.print(s, response)
}

func (w *web) print(s *stream, response *http.Response) error {
	s.events.Print("status", response.Proto+" "+response.Status, slog.String("proto", response.Proto), slog.Int("status", response.StatusCode))
	for _, name := range slices.Sorted(maps.Keys(response.Header)) {
		for _, value := range response.Header[name] {
			s.events.Print("header", name+": "+value, slog.String("name", name), slog.String("value", value))
		}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return s.fail("recv", err)
	}
	for line := range strings.Lines(string(body)) {
		printHTTP(s.events, "body", line)
	}
	return nil
}

// printHTTP prints one line of a message.
func printHTTP(e *node.Events, event, line string) {
	line = strings.TrimRight(line, "\r\n")
	e.Print(event, line, slog.String("text", line))
}
