package service

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/api"
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
	"github.com/crosslan/crosslan/nodes/internal/shell"
	"github.com/crosslan/crosslan/nodes/internal/stun"
)

// Command returns the program server, which runs services of r.
func Command(r *Registry) *cobra.Command {
	var opt Options
	cmd := &cobra.Command{
		Use:   "server SERVICE[=ADDR]...",
		Short: "Run services of the socket tutorials",
		Long:  "Run any number of services in one process.\n\n" + r.help(),
		Example: `  server echo
  server echo upper=:9081 reply
  server echo upper file --dir /data
  server echo=127.0.0.1:7 echo=[::1]:7`,
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().DurationVar(&opt.Idle, "idle", 0, "close a connection after this long without a byte (0: never)")
	cmd.Flags().BoolVar(&opt.Quiet, "quiet", false, "print no event of a client")
	cmd.Flags().BoolVar(&opt.OneByOne, "one-by-one", false, "TCP: accept the next client of a service only when the one before has left")
	cmd.AddCommand(api.ServerCommand())
	handlers := r.handlers(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if opt.Idle < 0 {
			return node.Usagef("--idle %v is negative; 0 means never", opt.Idle)
		}
		specs, err := r.parse(args, handlers)
		if err != nil {
			return node.Usagef("%w", err)
		}
		return Run(cmd.Context(), specs, opt)
	}
	cmd.AddCommand(shell.Command())
	cmd.AddCommand(stun.Command())
	cmd.AddCommand(rendezvous.Command())
	return cmd
}

// help is the table of services.
func (r *Registry) help() string {
	var b strings.Builder
	b.WriteString("Services, with their default ports:\n")
	for _, s := range r.services {
		fmt.Fprintf(&b, "  %-12s %5d  %s\n", s.Name, s.Port, s.About)
	}
	b.WriteString("\nADDR is [IP]:PORT, :PORT or IP; without an IP it is every IPv4 address.")
	return b.String()
}

// Options hold for all services of a process.
type Options struct {
	Idle  time.Duration // limit for a connection without a byte; 0: none
	Quiet bool          // print no event of a client

	// OneByOne has a TCP service accept the next client only when the one before
	// has left, as a program does whose one loop accepts and talks.
	OneByOne bool
}
