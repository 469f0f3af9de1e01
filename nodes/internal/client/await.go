package client

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/dial"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/observe"
)

const (
	awaitTimeout  = 30 * time.Second
	awaitAttempt  = time.Second            // limit of one attempt
	awaitInterval = 100 * time.Millisecond // from one attempt's failure to the next
)

// await is a command that ends when a server listens.
type await struct {
	remote  addr.Remote
	udp     bool
	timeout time.Duration
}

func awaitCommand() *cobra.Command {
	var a await
	cmd := &cobra.Command{
		Use:     "await ADDR",
		Short:   "Wait until a server listens",
		Long:    "Connect again and again until a server listens. With --udp, ask by STUN until there is an answer.",
		Example: `  client await 10.1.1.10:50007 --timeout 5s`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.timeout <= 0 {
				return node.Usagef("--timeout %v: must be more than nothing, such as 30s", a.timeout)
			}
			var err error
			if a.remote, err = addr.ParseRemote(args[0], 50007); err != nil {
				return node.Usagef("%w", err)
			}
			return a.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&a.udp, "udp", false, "wait for a service on UDP")
	cmd.Flags().DurationVar(&a.timeout, "timeout", awaitTimeout, "give up after this long")
	return cmd
}

// run tries until an attempt succeeds or the time is up.
func (a *await) run(ctx context.Context) error {
	begin := time.Now()
	limit, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	var last error
	for {
		remote, err := a.attempt(limit)
		if err == nil {
			took := time.Since(begin)
			node.From(ctx).Print("listening", fmt.Sprintf("%v after %.2f s", remote, took.Seconds()),
				slog.Any("remote", remote), slog.Float64("seconds", took.Seconds()))
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		// An attempt that the limit cut short says less than the one before.
		if limit.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-limit.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("nothing listens on %v within %s (--timeout): last try: %w", a.remote, dial.Seconds(a.timeout), last)
		case <-time.After(awaitInterval):
		}
	}
}

// attempt returns the address of the server's that listens.
func (a *await) attempt(ctx context.Context) (netip.AddrPort, error) {
	remotes, err := dial.Resolve(ctx, a.remote)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for _, r := range remotes {
		if a.udp {
			err = askOnce(ctx, r)
		} else {
			err = connectOnce(ctx, r)
		}
		if err == nil {
			return r, nil
		}
	}
	return netip.AddrPort{}, err
}

func connectOnce(ctx context.Context, remote netip.AddrPort) error {
	c, err := dial.TCP(ctx, remote, dial.Options{Limit: awaitAttempt})
	if err != nil {
		return err
	}
	return c.Close()
}

func askOnce(ctx context.Context, remote netip.AddrPort) error {
	c, err := dial.UDP(ctx, remote, dial.Options{})
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	// An echo that does not know STUN listens as well.
	if _, err = observe.AskDatagram(c, time.Now().Add(awaitAttempt)); err == observe.ErrNotTold {
		return nil
	}
	if err != nil {
		return failed("recv", err, addr.RemoteAt(remote), awaitAttempt)
	}
	return nil
}
