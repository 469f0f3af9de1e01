package portmap

import (
	"context"
	"net/netip"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// clients is where those listen who want to know of a router's restart (RFC 6886,
// section 3.2.1; RFC 6887, section 14.1).
var clients = netip.MustParseAddrPort("224.0.0.1:5350")

// A restart is announced ten times, each time after twice as long (RFC 6886,
// section 3.2.1).
const (
	announcements     = 10
	firstAnnouncement = 250 * time.Millisecond
)

// announce tells the inside of each restart, until ctx is done.
func (s *Server) announce(ctx context.Context, restarted <-chan struct{}) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	left, delay := 0, firstAnnouncement
	for {
		select {
		case <-restarted:
			left, delay = announcements, firstAnnouncement
			timer.Reset(0)
		case <-timer.C:
			if left == 0 {
				timer.Reset(time.Hour)
				continue
			}
			s.sendAnnouncement()
			left--
			timer.Reset(delay)
			delay *= 2
		case <-ctx.Done():
			return nil
		}
	}
}

// sendAnnouncement sends the same in both protocols. That it finds no interface for a
// moment is no matter: it is sent again.
func (s *Server) sendAnnouncement() {
	epoch := s.leases.seconds()
	pcp := pcpResponse{opcode: pcpAnnounce, epoch: epoch}.append(nil)
	messages := [][]byte{pcp}
	if outside, err := s.leases.outside(); err == nil {
		messages = append(messages, pmpResponse{opcode: pmpAddress, epoch: epoch, address: outside}.append(nil))
	}
	for _, c := range s.doors {
		for _, m := range messages {
			if _, err := c.WriteToUDPAddrPort(m, clients); err != nil {
				s.journal.failed(errno.Wrap("sendto", err, clients.String()))
			}
		}
	}
}
