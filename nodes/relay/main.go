// Relay carries TCP connections and UDP datagrams between hosts that cannot reach
// each other. `relay --help` says how.
package main

import (
	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/pairing"
	"github.com/crosslan/crosslan/nodes/internal/relay"
	"github.com/crosslan/crosslan/nodes/internal/socks"
	"github.com/crosslan/crosslan/nodes/internal/tunnel"
	"github.com/crosslan/crosslan/nodes/internal/turn"
)

func main() {
	node.Main(relay.Command(
		pairing.Command(),
		socks.Command(),
		tunnel.RelayCommand(),
		turn.Command(),
	))
}
