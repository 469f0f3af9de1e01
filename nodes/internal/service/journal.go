package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// journal prints what happens between a service and its clients.
type journal struct {
	events  *node.Events
	service string
	quiet   bool
}

func (j journal) print(event string, remote netip.AddrPort, text string, attrs ...slog.Attr) {
	if j.quiet {
		return
	}
	attrs = append([]slog.Attr{slog.String("service", j.service), slog.Any("remote", remote)}, attrs...)
	j.events.Print(event, text, attrs...)
}

func (j journal) accepted(remote, local netip.AddrPort, ttl int) {
	text := fmt.Sprintf("%v -> %v", remote, local)
	attrs := []slog.Attr{slog.Any("local", local)}
	if ttl > 0 {
		text += fmt.Sprintf(" ttl %d", ttl)
		attrs = append(attrs, slog.Int("ttl", ttl))
	}
	j.print("accepted", remote, text, attrs...)
}

func (j journal) received(remote netip.AddrPort, b []byte) {
	if j.quiet {
		return // before the work of quoting
	}
	j.print("received", remote, fmt.Sprintf("%v %s %s", remote, node.Bytes(len(b)), node.Quote(b)),
		slog.Int("bytes", len(b)), slog.String("text", string(b)))
}

func (j journal) datagram(remote netip.AddrPort, ttl int, b []byte) {
	if j.quiet {
		return
	}
	j.print("datagram", remote, fmt.Sprintf("%v ttl %d %s %s", remote, ttl, node.Bytes(len(b)), node.Quote(b)),
		slog.Int("ttl", ttl), slog.Int("bytes", len(b)), slog.String("text", string(b)))
}

func (j journal) sent(remote netip.AddrPort, b []byte) {
	j.print("sent", remote, fmt.Sprintf("%v %s", remote, node.Bytes(len(b))), slog.Int("bytes", len(b)))
}

// observed says that a client asked for its address and was told.
func (j journal) observed(remote netip.AddrPort) {
	j.print("observed", remote, fmt.Sprintf("%v (the client asked)", remote))
}

func (j journal) closed(ctx context.Context, remote netip.AddrPort, err error) {
	why := reason(ctx, err)
	j.print("closed", remote, fmt.Sprintf("%v %s", remote, why), slog.String("why", why))
}

// failed says that a call failed which has no client, or whose client is served on;
// it is printed even if clients are not.
func (j journal) failed(err error) {
	j.events.Print("error", fmt.Sprintf("%s %v", j.service, err), slog.String("service", j.service), slog.Any("error", err))
}

// reason words why a conversation ended.
func reason(ctx context.Context, err error) string {
	var limit *limitError
	switch {
	case err == nil:
		return "by the service"
	case errors.Is(err, net.ErrClosed) && ctx.Err() != nil:
		return "by the end of the server"
	case errors.Is(err, io.EOF):
		return "EOF"
	case errors.Is(err, syscall.ECONNRESET):
		return "RST"
	case errors.As(err, &limit):
		return "timeout: " + limit.Error()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return "timeout"
	}
	return errno.Text(err)
}
