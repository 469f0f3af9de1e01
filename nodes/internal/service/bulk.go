package service

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/transfer"
)

// bulk is a connection while a file crosses it: no event for each chunk, and
// nothing in it is a question for the observed address.
type bulk struct {
	socket Socket
	stall  time.Duration
}

// bulk returns c for the bytes of a file. A read or a write that takes longer than
// stall fails.
func (c *Conn) bulk(stall positive) *bulk { return &bulk{c.socket, time.Duration(stall)} }

func (b *bulk) Read(p []byte) (int, error) {
	if err := b.socket.SetReadDeadline(time.Now().Add(b.stall)); err != nil {
		return 0, err
	}
	n, err := b.socket.Read(p)
	return n, exceeded("stall", b.stall, err)
}

func (b *bulk) Write(p []byte) (int, error) {
	if err := b.socket.SetWriteDeadline(time.Now().Add(b.stall)); err != nil {
		return 0, err
	}
	n, err := b.socket.Write(p)
	return n, exceeded("stall", b.stall, err)
}

// release takes the deadlines of bulk away, which are not those of the requests.
func (b *bulk) release() error { return b.socket.SetDeadline(time.Time{}) }

// refuse answers a request with header, which says why it is not done, and logs
// that.
func (c *Conn) refuse(request, why string, header []byte) error {
	c.journal.refused(c.remote, request, why)
	_, err := c.Write(header)
	return err
}

// forClient words an error for a client: without the addresses that package net adds.
func forClient(err error) string {
	var header *transfer.SizeError // whose words are its own
	var op *net.OpError
	if !errors.As(err, &header) && errors.As(err, &op) {
		return errno.Text(err)
	}
	return err.Error()
}

func isBlank(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }

func (j journal) refused(remote netip.AddrPort, request, why string) {
	j.print("refused", remote, fmt.Sprintf("%v %s: %s", remote, node.Quote([]byte(request)), why),
		slog.String("request", request), slog.String("why", why))
}

func (j journal) transferred(event string, remote netip.AddrPort, name string, size int64, took time.Duration) {
	j.print(event, remote, fmt.Sprintf("%v %s %d bytes in %.2f s", remote, name, size, took.Seconds()),
		slog.String("name", name), slog.Int64("bytes", size), slog.Float64("seconds", took.Seconds()))
}

// digest prints a file's digests in the form of md5sum and sha256sum.
func (j journal) digest(remote netip.AddrPort, name string, d transfer.Digest) {
	j.print("md5", remote, d.MD5+" "+name, slog.String("name", name), slog.String("md5", d.MD5))
	j.print("sha256", remote, d.SHA256+" "+name, slog.String("name", name), slog.String("sha256", d.SHA256))
}
