package client

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"
	"github.com/vishvananda/netlink"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

func neighboursCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "neighbours",
		Short: "Show whose link-layer addresses this host has learnt by ARP",
		Long: `Show the kernel's neighbour table: the link-layer address of each IP address of
this LAN that was asked for by ARP (RFC 826), and FAILED where nobody answered.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return showNeighbours(node.From(cmd.Context())) },
	}
}

// showNeighbours prints an event a neighbour, in the order of the addresses.
func showNeighbours(events *node.Events) error {
	table, err := netlink.NeighList(0, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("read the neighbour table: %w", err)
	}
	slices.SortFunc(table, func(a, b netlink.Neigh) int { return neighbourAddr(a).Compare(neighbourAddr(b)) })
	for _, n := range table {
		if n.State == netlink.NUD_NOARP { // loopback and the like
			continue
		}
		addr, link, state := neighbourAddr(n), n.HardwareAddr.String(), neighbourState(n.State)
		text := fmt.Sprintf("%v is at %s (%s)", addr, link, state)
		if len(n.HardwareAddr) == 0 {
			text = fmt.Sprintf("%v does not answer (%s)", addr, state)
		}
		events.Print("neighbour", text, slog.Any("address", addr), slog.String("link", link), slog.String("state", state))
	}
	return nil
}

func neighbourAddr(n netlink.Neigh) netip.Addr {
	addr, _ := netip.AddrFromSlice(n.IP)
	return addr.Unmap()
}

// neighbourState is the kernel's word for how sure it is (linux/neighbour.h).
func neighbourState(state int) string {
	switch state {
	case netlink.NUD_INCOMPLETE:
		return "INCOMPLETE"
	case netlink.NUD_REACHABLE:
		return "REACHABLE"
	case netlink.NUD_STALE:
		return "STALE"
	case netlink.NUD_DELAY:
		return "DELAY"
	case netlink.NUD_PROBE:
		return "PROBE"
	case netlink.NUD_FAILED:
		return "FAILED"
	case netlink.NUD_PERMANENT:
		return "PERMANENT"
	}
	return fmt.Sprintf("state %#x", state)
}
