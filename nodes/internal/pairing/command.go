package pairing

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// Command returns the command rendezvous of the program relay.
func Command() *cobra.Command {
	c := DefaultConfig()
	cmd := &cobra.Command{
		Use:   "rendezvous [LISTEN...]",
		Short: "Carry between two clients that share a token, and that both dial out to here",
		Long: `Pair two clients that share a token, and carry between them: TCP connections are
spliced, datagrams passed on. client punch --relay is such a client. Each LISTEN is
[IP]:PORT, :PORT or IP, for UDP and for TCP. SIGUSR1 has it print what it has carried.`,
		Example: `  relay rendezvous
  relay rendezvous 198.18.4.20:7200 --idle 30s`,
	}
	rendezvous.AddFlags(cmd, &c.Config)
	cmd.Flags().DurationVar(&c.Idle, "idle", c.Idle, "end a TCP pair over which nothing has moved for so long; 0 never")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.Parse(args); err != nil {
			return err
		}
		if c.Idle < 0 {
			return node.Usagef("--idle %v: want a duration, or 0 for no limit", c.Idle)
		}
		ctx := cmd.Context()
		r, err := Listen(ctx, c)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(ctx)
		told := r.tellOnSignal(ctx)
		err = r.Serve(ctx)
		cancel()
		<-told
		return err
	}
	return cmd
}

// tellOnSignal prints what was carried at each SIGUSR1, until ctx is cancelled; then the
// returned channel is closed.
func (r *Relay) tellOnSignal(ctx context.Context) (ended <-chan struct{}) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		defer close(done)
		defer signal.Stop(signals)
		for {
			select {
			case <-signals:
				r.carrier.printCarried()
			case <-ctx.Done():
				return
			}
		}
	}()
	return done
}
