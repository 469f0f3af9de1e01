package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"syscall"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/observe"
)

// datagrams is a conversation over UDP.
type datagrams struct {
	udp     packets
	local   netip.AddrPort
	remote  addr.Remote
	timeout time.Duration
	events  *node.Events
	buf     []byte
}

func openDatagrams(ctx context.Context, remote addr.Remote, o *options) (conversation, error) {
	udp, err := o.packets(ctx, remote)
	if err != nil {
		return nil, err
	}
	return &datagrams{
		udp:     udp,
		local:   addr.Of(udp.LocalAddr()),
		remote:  remote,
		timeout: o.timeout,
		events:  node.From(ctx),
		buf:     make([]byte, datagram.MaxSize),
	}, nil
}

func (d *datagrams) close() error { return d.udp.Close() }

// say sends a message as one datagram and prints the next that comes. An ICMP error
// shows as the errno of that receive, or of the next send.
func (d *datagrams) say(message []byte) error {
	begin := time.Now()
	if err := d.udp.SetDeadline(begin.Add(d.timeout)); err != nil {
		return err
	}
	if _, err := d.udp.Write(message); err != nil {
		return d.fail("send", err, begin)
	}
	d.events.Print("sent", fmt.Sprintf("%v -> %v %s", d.local, d.remote, node.Bytes(len(message))),
		slog.Any("local", d.local), slog.Any("remote", d.remote),
		slog.Any("getsockname", d.local), slog.Any("getpeername", d.remote), slog.Int("bytes", len(message)))
	for {
		n, info, err := d.udp.Receive(d.buf)
		if err != nil {
			return d.fail("recv", err, begin)
		}
		if observe.IsAnswer(d.buf[:n]) {
			continue // a late answer to a question that was asked again
		}
		text := string(d.buf[:n])
		d.events.Print("reply", fmt.Sprintf("%s (ttl %d)", text, info.TTL),
			slog.String("text", text), slog.Int("ttl", info.TTL))
		return nil
	}
}

// observe asks for the observed address and prints it.
func (d *datagrams) observe() error {
	begin := time.Now()
	if err := d.udp.SetWriteDeadline(begin.Add(d.timeout)); err != nil {
		return err
	}
	seen, err := observe.AskDatagram(d.udp, begin.Add(d.timeout))
	return printObserved(d.events, seen, err, d.timeout, func(call string, err error) error {
		return d.fail(call, err, begin)
	})
}

// fail words the error of a call, with the time since the datagram was sent: an
// ICMP error is an answer to it.
func (d *datagrams) fail(call string, err error, begin time.Time) error {
	err = failed(call, err, d.remote, d.timeout)
	var no syscall.Errno
	if errors.As(err, &no) {
		return fmt.Errorf("%w after %.2f s", err, time.Since(begin).Seconds())
	}
	return err
}
