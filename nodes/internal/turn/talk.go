package turn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/observe"
)

// echo sends messages to a peer and prints the replies.
func (f *clientFlags) echo(ctx context.Context, c *Client, peer netip.AddrPort, messages []string) error {
	events := node.From(ctx)
	switch {
	case f.channel:
		if err := c.Bind(ctx, firstChannel, peer); err != nil {
			return fmt.Errorf("%w: %v", err, peer)
		}
		printPermitted(events, peer.Addr())
		events.Print("channel", fmt.Sprintf("0x%04X is %v", firstChannel, peer), slog.Int("channel", firstChannel), slog.Any("peer", peer))
	case !f.noPermission:
		if err := c.Permit(ctx, peer); err != nil {
			return fmt.Errorf("%w: %v", err, peer)
		}
		printPermitted(events, peer.Addr())
	}
	for _, m := range messages {
		n, err := c.Send(peer, []byte(m))
		if err != nil {
			return err
		}
		events.Print("sent", fmt.Sprintf("%s to %v, as %s to the relay", node.Bytes(len(m)), peer, node.Bytes(n)),
			slog.Any("peer", peer), slog.Int("bytes", len(m)), slog.Int("to_relay", n))
		d, err := f.reply(ctx, c)
		if err != nil {
			return err
		}
		events.Print("reply", fmt.Sprintf("%s (from %v)", d.Data, d.Peer), slog.String("text", string(d.Data)), slog.Any("peer", d.Peer))
	}
	return nil
}

// reply waits for the next datagram.
func (f *clientFlags) reply(ctx context.Context, c *Client) (Datagram, error) {
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	d, err := c.Receive(limited)
	switch {
	case ctx.Err() != nil:
		return d, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return d, fmt.Errorf("no reply within %s (--timeout)", dial.Seconds(f.timeout))
	}
	return d, err
}

func printPermitted(events *node.Events, peer netip.Addr) {
	events.Print("permitted", peer.String(), slog.Any("peer", peer))
}

// wait sends back what peers send.
func (f *clientFlags) wait(ctx context.Context, c *Client, peers []netip.AddrPort) error {
	events := node.From(ctx)
	if len(peers) > 0 {
		if err := c.Permit(ctx, peers...); err != nil {
			return fmt.Errorf("%w: %v", err, peers)
		}
		for _, p := range peers {
			printPermitted(events, p.Addr())
		}
	}
	events.Ready("turn")
	if f.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.duration)
		defer cancel()
	}
	ctx, done := context.WithCancel(ctx)
	defer done()
	g, ctx := errgroup.WithContext(ctx)
	if f.keep {
		g.Go(func() error { return f.refresh(ctx, c, peers) })
	}
	g.Go(func() error {
		defer done()
		return f.sendBack(ctx, c)
	})
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// sendBack sends datagrams back until there were as many as wanted.
func (f *clientFlags) sendBack(ctx context.Context, c *Client) error {
	events := node.From(ctx)
	for n := 0; f.count == 0 || n < f.count; {
		d, err := c.Receive(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		answer := d.Data
		if observe.IsRequest(d.Data) { // who am I? as the services answer it
			if answer, err = observe.Response(d.Data, d.Peer); err != nil {
				continue
			}
		} else {
			n++
			events.Print("received", fmt.Sprintf("%s from %v", node.Quote(d.Data), d.Peer),
				slog.Any("peer", d.Peer), slog.String("text", string(d.Data)))
		}
		if _, err := c.Send(d.Peer, answer); err != nil {
			return err
		}
	}
	return nil
}

// refreshInterval is well below a permission's lifetime of 5 minutes (RFC 8656
// section 9) and the shortest usual one of a NAT's mapping.
const refreshInterval = 25 * time.Second

// refresh keeps the allocation and its permissions until ctx is done.
func (f *clientFlags) refresh(ctx context.Context, c *Client, peers []netip.AddrPort) error {
	lifetime := f.lifetime
	if lifetime == 0 {
		lifetime = 10 * time.Minute
	}
	ticker := time.NewTicker(min(refreshInterval, max(time.Second/2, lifetime/2)))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if _, err := c.Refresh(ctx, lifetime); err != nil {
			return err
		}
		if len(peers) == 0 {
			continue
		}
		if err := c.Permit(ctx, peers...); err != nil {
			return err
		}
	}
}
