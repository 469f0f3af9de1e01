package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/transfer"
)

// file is the client of the file service.
type file struct {
	session
	to       string // the directory for what is fetched
	discard  bool   // keep nothing of it
	name     string // on the server, if not the file's own
	generate string // the size of a file that is made up
	breakOff string // the size after which to end; empty for the whole file
	out      io.Writer
}

func fileCommand() *cobra.Command {
	f := &file{}
	f.service, f.port = "file", 8086
	f.do = f.transfer
	f.check = f.judge
	cmd := f.command("file ADDR get|post FILE", "Fetch a file from the server, or send it one")
	cmd.Long = `Fetch a file from the server, or send it one, and print its MD5 and SHA-256, which
the server prints too.`
	cmd.Example = `  client file 10.1.1.10:8086 get notes.txt --to /data
  client file 10.1.1.10:8086 get big.bin --discard
  client file 10.1.1.10:8086 post /data/notes.txt
  client file 10.1.1.10:8086 post big.bin --generate 100MB`
	fl := cmd.Flags()
	fl.StringVar(&f.to, "to", ".", "get: the directory to put the file into")
	fl.BoolVar(&f.discard, "discard", false, "get: keep nothing of the file but its digests")
	fl.StringVar(&f.name, "name", "", "post: the file's name on the server; the same as here if not given")
	fl.StringVar(&f.generate, "generate", "", "post: make up a file of this size, such as 100MB; always the same bytes for the same size")
	fl.StringVar(&f.breakOff, "break-off", "", "post: end the connection after so much of the file, such as 50MB")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.out = cmd.OutOrStdout()
		return run(cmd, args)
	}
	return cmd
}

// judge checks the arguments and flags.
func (f *file) judge(args []string) error {
	if len(args) != 2 {
		return errors.New("get or post, and which file? client file 10.1.1.10:8086 get notes.txt")
	}
	switch method := transfer.Method(args[0]); {
	case method != transfer.Get && method != transfer.Post:
		return fmt.Errorf("%q is neither get nor post", args[0])
	case method == transfer.Get && (f.name != "" || f.generate != ""):
		return errors.New("--name and --generate are for post")
	case method == transfer.Get && f.breakOff != "":
		return errors.New("--break-off is for post")
	}
	return errors.Join(judgeSize("--generate", f.generate), judgeSize("--break-off", f.breakOff))
}

// judgeSize checks the value of a flag that is a size, if it is given.
func judgeSize(flag, size string) error {
	if size == "" {
		return nil
	}
	if _, err := humanize.ParseBytes(size); err != nil {
		return fmt.Errorf("%s %s: must be a size such as 100MB", flag, size)
	}
	return nil
}

func (f *file) transfer(ctx context.Context, s *stream, args []string) error {
	if transfer.Method(args[0]) == transfer.Get {
		return f.get(s, args[1])
	}
	return f.post(ctx, s, args[1])
}

// get fetches a file. It is stored under the last part of the name that was asked
// for: what the server calls it is not to be trusted.
func (f *file) get(s *stream, name string) error {
	root, err := os.OpenRoot(f.to)
	if err != nil {
		return fmt.Errorf("--to %s: %w", f.to, errors.Unwrap(err))
	}
	defer root.Close()
	if err := s.send([]byte(transfer.Request{Method: transfer.Get, Name: name}.String())); err != nil {
		return err
	}
	r := bufio.NewReader(timed{s})
	header, err := transfer.ReadHeader(r)
	if err != nil {
		return s.failedTransfer("get "+name, err)
	}
	printHeader(s.events, header)
	begin := time.Now()
	progress := newProgress(s.events, f.out, header.Size)
	var digest transfer.Digest
	if f.discard {
		digest, err = transfer.Send(io.Discard, r, header.Size, progress.add)
	} else {
		digest, err = transfer.Store(root, filepath.Base(name), r, header.Size, progress.add)
	}
	if err != nil {
		return s.failedTransfer("get "+name, err)
	}
	where := filepath.Join(f.to, filepath.Base(name))
	if f.discard {
		where = name + " (not kept)"
	}
	printTransferred(s.events, "fetched", where, header.Size, time.Since(begin))
	printDigest(s.events, filepath.Base(name), digest)
	return nil
}

// timed is a stream each of whose reads and writes may take as long as --timeout
// says.
type timed struct{ s *stream }

func (t timed) Read(p []byte) (int, error) {
	if err := t.s.socket.SetReadDeadline(time.Now().Add(t.s.timeout)); err != nil {
		return 0, err
	}
	return t.s.socket.Read(p)
}

func (t timed) Write(p []byte) (int, error) {
	if err := t.s.socket.SetWriteDeadline(time.Now().Add(t.s.timeout)); err != nil {
		return 0, err
	}
	return t.s.socket.Write(p)
}

// failedTransfer words why a file did not get across: the server's words, the
// connection's error, or that of the file system here.
func (s *stream) failedTransfer(what string, err error) error {
	var op *net.OpError
	switch {
	case errors.As(err, &op):
		return fmt.Errorf("%s: %w", what, s.fail(socketCall(op), err))
	case err == io.EOF:
		return fmt.Errorf("%s: %w", what, s.hungUp("without a header"))
	}
	return fmt.Errorf("%s: %w", what, err)
}

// socketCall is the name of the call that failed, which package net calls otherwise.
func socketCall(op *net.OpError) string {
	switch op.Op {
	case "read":
		return "recv"
	case "write":
		return "send"
	}
	return op.Op
}

func printHeader(e *node.Events, h transfer.Header) {
	e.Print("header", fmt.Sprintf("filename %q file_size %d", h.Filename, h.Size),
		slog.String("filename", h.Filename), slog.Int64("file_size", h.Size))
}

func printTransferred(e *node.Events, event, what string, size int64, took time.Duration) {
	e.Print(event, fmt.Sprintf("%s %d bytes in %.2f s", what, size, took.Seconds()),
		slog.String("file", what), slog.Int64("bytes", size), slog.Float64("seconds", took.Seconds()))
}

// printDigest prints a file's digests as md5sum and sha256sum do.
func printDigest(e *node.Events, name string, d transfer.Digest) {
	e.Print("md5", d.MD5+" "+name, slog.String("name", name), slog.String("md5", d.MD5))
	e.Print("sha256", d.SHA256+" "+name, slog.String("name", name), slog.String("sha256", d.SHA256))
}
