package client

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// later is a command that asks for an answer after some silence, and waits for it.
type later struct {
	options
	keepalive time.Duration // how often to break the silence; 0 for never
	patience  time.Duration // how long to wait beyond the time asked for
	remote    addr.Remote
	delay     time.Duration
	text      string
}

func laterCommand() *cobra.Command {
	var l later
	cmd := &cobra.Command{
		Use:   "later ADDR TIME TEXT",
		Short: "Have the server answer after some silence, and see whether it arrives",
		Long: `Ask the server to answer with TEXT after TIME, and wait for it. Over UDP,
--keepalive sends an empty datagram that often; over TCP it is the kernel's
keepalive probes (SO_KEEPALIVE).`,
		Example: `  client later 10.10.2.10:50009 3s hello
  client later --udp 10.10.2.10:50009 60s hello --keepalive 15s`,
		Args: cobra.ExactArgs(3),
	}
	l.addFlags(cmd, never)
	cmd.Flags().BoolVar(&l.udp, "udp", false, "send datagrams")
	cmd.Flags().DurationVar(&l.keepalive, "keepalive", 0, "break the silence this often (default never)")
	cmd.Flags().DurationVar(&l.patience, "patience", 2*time.Second, "give up this long after the answer's time")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := l.parse(cmd, args); err != nil {
			return err
		}
		return l.run(cmd.Context())
	}
	return cmd
}

func (l *later) parse(cmd *cobra.Command, args []string) error {
	remote, err := addr.ParseRemote(args[0], 50009)
	if err != nil {
		return node.Usagef("%w", err)
	}
	if l.delay, err = time.ParseDuration(args[1]); err != nil || l.delay < 0 {
		return node.Usagef("%q: write a time, such as 3s", args[1])
	}
	if l.keepalive < 0 || l.patience < 0 {
		return node.Usagef("--keepalive and --patience must not be negative")
	}
	if l.text = args[2]; l.text == "" {
		return node.Usagef("the text is empty; write what the server is to say")
	}
	if err := l.resolve(cmd); err != nil {
		return err
	}
	remotes, err := l.options.remotes(cmd.Context(), remote)
	if err != nil {
		return err
	}
	l.remote = remotes[0]
	return nil
}

func (l *later) run(ctx context.Context) error {
	if l.udp {
		return l.overUDP(ctx)
	}
	return l.overTCP(ctx)
}

func (l *later) request() []byte { return fmt.Appendf(nil, "%v %s", l.delay, l.text) }

func (l *later) overTCP(ctx context.Context) error {
	tcp, err := l.options.tcp(ctx, l.remote, func(tcp *net.TCPConn) {
		local, peer := addr.Of(tcp.LocalAddr()), addr.Of(tcp.RemoteAddr())
		node.From(ctx).Print("connected", fmt.Sprintf("%v -> %v", local, peer), slog.Any("local", local), slog.Any("remote", peer))
	})
	if err != nil {
		return err
	}
	defer tcp.Close()
	defer context.AfterFunc(ctx, func() { tcp.Close() })()
	if err := tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: l.keepalive > 0, Idle: l.keepalive, Interval: l.keepalive, Count: 3}); err != nil {
		return errno.Wrap("setsockopt", err, "SO_KEEPALIVE")
	}
	return l.exchange(ctx, tcp, nil)
}

func (l *later) overUDP(ctx context.Context) error {
	udp, err := l.options.packets(ctx, l.remote)
	if err != nil {
		return err
	}
	defer udp.Close()
	defer context.AfterFunc(ctx, func() { udp.Close() })()
	local := addr.Of(udp.LocalAddr())
	node.From(ctx).Print("sent", fmt.Sprintf("%v -> %v %d bytes", local, l.remote, len(l.request())), slog.Any("local", local), slog.Any("remote", l.remote))
	return l.exchange(ctx, udp, udp)
}

// exchange asks, keeps the way open if it is to, and prints the answer.
func (l *later) exchange(ctx context.Context, c net.Conn, beats packets) error {
	begin := time.Now()
	limit := l.delay + l.patience
	if err := c.SetDeadline(begin.Add(limit)); err != nil {
		return err
	}
	if _, err := c.Write(l.request()); err != nil {
		return failed("send", err, l.remote, limit)
	}
	if beats != nil && l.keepalive > 0 {
		stop := l.beat(beats)
		defer stop()
	}
	answer := make([]byte, datagram.MaxSize)
	n, err := c.Read(answer)
	if err == io.EOF {
		return errno.Wrap("recv", err, fmt.Sprintf("%v closed without an answer", l.remote))
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return l.silence(err, limit)
	}
	took := time.Since(begin)
	node.From(ctx).Print("reply", fmt.Sprintf("%s after %.1f s", answer[:n], took.Seconds()),
		slog.String("text", string(answer[:n])), slog.Float64("seconds", took.Seconds()))
	return nil
}

// silence words that no answer came.
func (l *later) silence(err error, limit time.Duration) error {
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return fmt.Errorf("recv: nothing came within %s, though the server was to answer after %s: %v", dial.Seconds(limit), dial.Seconds(l.delay), l.remote)
	}
	return failed("recv", err, l.remote, limit)
}

// beat sends an empty datagram every so often until the returned function is
// called, which waits for the last.
func (l *later) beat(udp packets) (stop func()) {
	ticker := time.NewTicker(l.keepalive)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				// One that is lost is followed by the next; the answer tells.
				_, _ = udp.Write(nil)
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
