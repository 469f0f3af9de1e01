// Package client is the program client: the tutorials' clients, and what else a
// node of a scenario runs that is not a server.
package client

import (
	"github.com/spf13/cobra"

	"github.com/crosslan/crosslan/nodes/internal/api"
	"github.com/crosslan/crosslan/nodes/internal/capture"
	"github.com/crosslan/crosslan/nodes/internal/conns"
	"github.com/crosslan/crosslan/nodes/internal/ice"
	"github.com/crosslan/crosslan/nodes/internal/names"
	"github.com/crosslan/crosslan/nodes/internal/ping"
	"github.com/crosslan/crosslan/nodes/internal/portmap"
	"github.com/crosslan/crosslan/nodes/internal/probe"
	"github.com/crosslan/crosslan/nodes/internal/tunnel"
	"github.com/crosslan/crosslan/nodes/internal/turn"
)

// Command returns the program client.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "client",
		Short: "Talk to the services of the socket tutorials",
	}
	cmd.AddCommand(echoCommand(), upperCommand(), replyCommand(), awaitCommand(), idleCommand(), storyCommand(), neighboursCommand())
	cmd.AddCommand(menuCommand(), shellCommand(), shellLengthCommand(), fileCommand(), chatCommand(), sinkCommand(), httpCommand(), typeCommand(), holdCommand(), laterCommand())
	cmd.AddCommand(api.ClientCommand())
	cmd.AddCommand(capture.Command())
	cmd.AddCommand(ping.Command(), ping.TracerouteCommand())
	cmd.AddCommand(probe.Command())
	cmd.AddCommand(names.Command())
	cmd.AddCommand(conns.Command())
	cmd.AddCommand(portmap.Command())
	cmd.AddCommand(turn.ClientCommand(), ice.Command())
	cmd.AddCommand(punchCommand())
	cmd.AddCommand(tunnel.Command())
	return cmd
}
