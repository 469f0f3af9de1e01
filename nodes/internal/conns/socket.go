package conns

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// socket is a TCP socket as the kernel has it (struct inet_diag_msg, sock_diag(7)).
type socket struct {
	state         state
	local, remote netip.AddrPort

	// For a listening socket: how many connections wait to be accepted, and the backlog.
	// For the others: bytes that came and were not read, and bytes that were
	// written and not acknowledged; a SYN and a FIN count as one byte each.
	receiveQueue, sendQueue int

	timer   timer
	expires time.Duration // until the timer runs out
	retries int           // how often the timer has run out already
}

// timer is what the kernel waits for.
type timer uint8

const (
	noTimer       timer = 0
	retransmit    timer = 1
	keepalive     timer = 2
	timeWaitTimer timer = 3
	windowProbe   timer = 4
)

// list returns the TCP sockets of this network namespace, those that listen first. It
// needs no privilege.
func list() ([]socket, error) {
	var all []socket
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		found, err := netlink.SocketDiagTCP(family)
		// Sockets that came or went meanwhile are no failure.
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return nil, fmt.Errorf("ask the kernel for its TCP sockets: %w", err)
		}
		for _, s := range found {
			all = append(all, read(s))
		}
	}
	slices.SortFunc(all, compare)
	return all, nil
}

func read(s *netlink.Socket) socket {
	local, _ := netip.AddrFromSlice(s.ID.Source)
	remote, _ := netip.AddrFromSlice(s.ID.Destination)
	one := socket{
		state:        state(s.State),
		local:        netip.AddrPortFrom(local, s.ID.SourcePort),
		remote:       netip.AddrPortFrom(remote, s.ID.DestinationPort),
		receiveQueue: int(s.RQueue),
		sendQueue:    int(s.WQueue),
		timer:        timer(s.Timer),
		expires:      time.Duration(s.Expires) * time.Millisecond,
		retries:      int(s.Retrans),
	}
	// A socket that listens on [::] is not one on 0.0.0.0.
	if s.Family == unix.AF_INET || remote.Is4In6() {
		one.local, one.remote = addr.Plain(one.local), addr.Plain(one.remote)
	}
	return one
}

// compare orders sockets for people.
func compare(a, b socket) int {
	if (a.state == listen) != (b.state == listen) {
		if a.state == listen {
			return -1
		}
		return 1
	}
	return cmp.Or(a.local.Compare(b.local), a.remote.Compare(b.remote))
}

// String is the socket in one line.
func (s socket) String() string {
	if s.state == listen {
		return fmt.Sprintf("%-11s %v backlog %d, waiting for accept: %d", s.state, s.local, s.sendQueue, s.receiveQueue)
	}
	text := fmt.Sprintf("%-11s %v -> %v", s.state, s.local, s.remote)
	if s.state != timeWait && s.state != synRecv { // these have no socket of their own, and no queues
		text += fmt.Sprintf(" unread %s, unacknowledged %s", node.Bytes(s.receiveQueue), node.Bytes(s.sendQueue))
	}
	return text + s.timerText()
}

// timerText says what the kernel will do next by itself.
func (s socket) timerText() string {
	left := fmt.Sprintf("%.1f s", s.expires.Seconds())
	switch s.timer {
	case retransmit:
		return fmt.Sprintf(", sends again in %s (so far: %d)", left, s.retries)
	case keepalive:
		return ", keepalive in " + left
	case timeWaitTimer:
		return " gone in " + left
	case windowProbe:
		return fmt.Sprintf(", probes the window in %s (so far: %d)", left, s.retries)
	case noTimer:
	}
	return ""
}

// attrs is the socket as an event of the JSON log.
func (s socket) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("state", s.state.String()), slog.Any("local", s.local)}
	if s.state == listen {
		return append(attrs, slog.Int("waiting", s.receiveQueue), slog.Int("backlog", s.sendQueue))
	}
	attrs = append(attrs, slog.Any("remote", s.remote), slog.Int("unread", s.receiveQueue), slog.Int("unacknowledged", s.sendQueue))
	if s.timer != noTimer {
		attrs = append(attrs, slog.Any("timer", uint8(s.timer)), slog.Float64("expires", s.expires.Seconds()), slog.Int("retries", s.retries))
	}
	return attrs
}
