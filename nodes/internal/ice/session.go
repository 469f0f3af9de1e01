package ice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/pion/ice/v4"

	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// session is one run of client ice.
type session struct {
	signal  netip.AddrPort
	token   string
	config  Config
	say     []string
	timeout time.Duration
}

// run meets the peer, finds a path, and talks over it.
func (s *session) run(ctx context.Context) error {
	signal, err := s.meet(ctx)
	if err != nil {
		return err
	}
	defer signal.Close()
	agent, err := New(s.config)
	if err != nil {
		return err
	}
	defer func() { _ = agent.Close() }() // what it had at servers ends by itself too
	conn, err := s.connect(ctx, agent, signal)
	if err != nil {
		return err
	}
	if len(s.say) > 0 {
		return s.talk(ctx, conn)
	}
	return sendBack(ctx, conn, signal)
}

// limited returns a context that ends with the session's limit, and what its end means.
func (s *session) limited(ctx context.Context, what string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("%s within %s (--timeout)", what, dial.Seconds(s.timeout)))
}

func (s *session) meet(ctx context.Context) (*signal, error) {
	limited, cancel := s.limited(ctx, "no peer with that token")
	defer cancel()
	signal, err := join(limited, s.signal, s.token)
	if err != nil {
		if limited.Err() != nil {
			return nil, context.Cause(limited)
		}
		return nil, fmt.Errorf("signalling: %w", err)
	}
	role := "controlled"
	if signal.leads {
		role = "controlling"
	}
	node.From(ctx).Print("met", fmt.Sprintf("the peer at %v; this side is %s", s.signal, role),
		slog.Any("signal", s.signal), slog.String("role", role))
	return signal, nil
}

// connect gathers, tells, checks, and prints each step.
func (s *session) connect(ctx context.Context, agent *Agent, signal *signal) (*ice.Conn, error) {
	events := node.From(ctx)
	limited, cancel := s.limited(ctx, "no path")
	defer cancel()
	own, err := agent.Gather(limited)
	if err != nil {
		return nil, err
	}
	for _, c := range agent.local {
		printCandidate(events, "candidate", c)
	}
	theirs, err := signal.exchange(limited, own)
	if err != nil {
		return nil, cause(limited, err)
	}
	conn, pair, err := agent.Connect(limited, theirs, signal.leads)
	for _, c := range agent.remote {
		printCandidate(events, "remote", c)
	}
	for _, c := range agent.checks() {
		printCheck(events, c)
	}
	if err != nil {
		return nil, cause(limited, err)
	}
	local, remote := localEnd(pair.Local), agent.remoteEnd(pair.Remote)
	path := pathOf(local, remote)
	events.Print("chosen", fmt.Sprintf("%v <-> %v", local, remote), pairAttrs(local, remote)...)
	events.Print("path", path, slog.String("path", path))
	return conn, nil
}

// cause is why ctx ended, if it did, or err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func printCandidate(events *node.Events, event string, c ice.Candidate) {
	e := endOf(c)
	text := e.String()
	attrs := []slog.Attr{slog.String("type", e.kind.String()), slog.String("address", e.at)}
	if base := localEnd(c); event == "candidate" && base != e {
		text += " of " + base.at
		attrs = append(attrs, slog.String("base", base.at))
	}
	events.Print(event, text, attrs...)
}

func pairAttrs(local, remote end) []slog.Attr {
	return []slog.Attr{
		slog.String("local", local.at), slog.String("local_type", local.kind.String()),
		slog.String("remote", remote.at), slog.String("remote_type", remote.kind.String()),
	}
}

func printCheck(events *node.Events, c check) {
	events.Print("check", fmt.Sprintf("%v <-> %v: %s", c.local, c.remote, c.outcome()),
		append(pairAttrs(c.local, c.remote), slog.String("outcome", c.outcome()))...)
}

// retry is after how long something is said again: a datagram may be lost.
const retry = 500 * time.Millisecond

// talk says what there is to say, and prints the replies.
func (s *session) talk(ctx context.Context, c net.Conn) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	events := node.From(ctx)
	for _, text := range s.say {
		events.Print("sent", node.Bytes(len(text)), slog.Int("bytes", len(text)))
		if err := s.ask(ctx, c, text); err != nil {
			return err
		}
		events.Print("reply", text, slog.String("text", text))
	}
	return nil
}

// ask says text until it comes back.
func (s *session) ask(ctx context.Context, c net.Conn, text string) error {
	b := make([]byte, 1<<16)
	for limit := time.Now().Add(s.timeout); time.Now().Before(limit); {
		if _, err := c.Write([]byte(text)); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		if err := c.SetReadDeadline(time.Now().Add(retry)); err != nil {
			return err
		}
		for {
			n, err := c.Read(b)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if isTimeout(err) {
				break
			}
			if err != nil {
				return fmt.Errorf("recv: %w", err)
			}
			if string(b[:n]) == text { // not an earlier one that came twice
				return nil
			}
		}
	}
	return fmt.Errorf("recv: no reply within %s (--timeout)", dial.Seconds(s.timeout))
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// sendBack sends back what comes until the peer has left.
func sendBack(ctx context.Context, c net.Conn, signal *signal) error {
	events := node.From(ctx)
	done := make(chan error, 1)
	go func() {
		b := make([]byte, 1<<16)
		for {
			n, err := c.Read(b)
			if err != nil {
				done <- nil
				return
			}
			events.Print("received", node.Quote(b[:n]), slog.Int("bytes", n), slog.String("text", string(b[:n])))
			if _, err := c.Write(b[:n]); err != nil {
				done <- fmt.Errorf("send: %w", err)
				return
			}
		}
	}()
	err := signal.wait(ctx)
	_ = c.SetReadDeadline(time.Unix(1, 0))
	if sendErr := <-done; err == nil {
		err = sendErr
	}
	if err == nil {
		events.Print("closed", "the peer has left")
	}
	return err
}
