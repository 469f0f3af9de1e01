package stun

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/node"
)

// Server is a STUN server that listens.
type Server struct {
	config  Config
	udp     [2][2]*datagram.Conn // by address, then by port
	tcp     [2][2]*net.TCPListener
	journal *journal
}

// Listen binds the sockets of a server, or none. What the server does is printed to
// the Events of ctx.
func Listen(ctx context.Context, c Config) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, node.Usagef("%w", err)
	}
	s := &Server{config: c, journal: newJournal(node.From(ctx), c.Quiet)}
	for _, spot := range c.spots() {
		if err := s.listen(ctx, spot); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *Server) listen(ctx context.Context, at spot) error {
	a := s.config.at(at)
	udp, err := datagram.Listen(ctx, a)
	if err != nil {
		return s.bindError("udp", a, err)
	}
	s.udp[at.addr][at.port] = udp
	lc := net.ListenConfig{Control: shareAddress}
	lc.SetMultipathTCP(false)
	tcp, err := lc.Listen(ctx, addr.Network("tcp", a), a.String())
	if err != nil {
		return s.bindError("tcp", a, err)
	}
	s.tcp[at.addr][at.port] = tcp.(*net.TCPListener)
	return nil
}

// shareAddress lets a socket connect from the transport address on which another
// listens.
func shareAddress(_, _ string, c syscall.RawConn) error {
	var err error
	return errors.Join(c.Control(func(fd uintptr) {
		err = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	}), err)
}

// bindError words why an address could not be bound, and what to do.
func (s *Server) bindError(transport string, a netip.AddrPort, err error) error {
	detail := fmt.Sprintf("%s %v", transport, a)
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		detail += fmt.Sprintf(" (no interface of this node has the address; the server needs %s on this node)", s.config.needs())
	case errors.Is(err, syscall.EADDRINUSE):
		detail += " (is another server running? choose another port)"
	case errors.Is(err, syscall.EACCES):
		detail += " (the port is for root; choose one above 1023)"
	}
	return errno.Wrap("", err, detail)
}

// needs names the addresses that the node must have.
func (c Config) needs() string {
	if !c.dual() {
		return c.Primary.Addr().String()
	}
	return fmt.Sprintf("%v and %v", c.Primary.Addr(), c.Alternate.Addr())
}

// String lists where the server listens.
func (s *Server) String() string {
	var udp, tcp []string
	for _, spot := range s.config.spots() {
		udp = append(udp, addr.Of(s.udp[spot.addr][spot.port].LocalAddr()).String())
		tcp = append(tcp, addr.Of(s.tcp[spot.addr][spot.port].Addr()).String())
	}
	if slices.Equal(udp, tcp) { // they are not where the kernel chose the port
		return "stun udp and tcp " + strings.Join(udp, ", ")
	}
	return "stun udp " + strings.Join(udp, ", ") + "; tcp " + strings.Join(tcp, ", ")
}

func (s *Server) close() error {
	var faults []error
	for _, spot := range s.config.spots() {
		if c := s.udp[spot.addr][spot.port]; c != nil {
			faults = append(faults, c.Close())
		}
		if l := s.tcp[spot.addr][spot.port]; l != nil {
			faults = append(faults, l.Close())
		}
	}
	return errors.Join(faults...)
}
