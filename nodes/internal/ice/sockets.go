package ice

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// sockets are those of an agent: one for each of the host's addresses. The one that the
// servers are reached from also asks them for its reflexive address, so that a host
// candidate is the base of a reflexive one, as RFC 8445 section 5.1.1.2 has it; an agent
// of pion/ice left to itself takes a second socket, whose NAT mapping is another.
type sockets struct {
	all       []ice.UDPMux
	reflexive ice.UniversalUDPMux // nil without a server
}

func openSockets(c Config) (*sockets, error) {
	base, err := c.base()
	if err != nil {
		return nil, err
	}
	addrs, err := c.addrs(base)
	if err != nil {
		return nil, err
	}
	s := &sockets{}
	quiet := (&logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}).NewLogger("ice")
	for _, a := range addrs {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
		if err != nil {
			return nil, errors.Join(errno.Wrap("", err, "udp "+a.String()), s.close())
		}
		if a == base {
			s.reflexive = ice.NewUniversalUDPMuxDefault(ice.UniversalUDPMuxParams{UDPConn: conn, Logger: quiet})
			s.all = append(s.all, s.reflexive)
			continue
		}
		s.all = append(s.all, ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: quiet}))
	}
	return s, nil
}

func (s *sockets) close() error {
	var faults []error
	for _, m := range s.all {
		faults = append(faults, m.Close())
	}
	return errors.Join(faults...)
}

// base is the address from which the servers are reached. UDP's connect sends nothing.
func (c Config) base() (netip.Addr, error) {
	servers := c.STUN
	for _, t := range c.TURN {
		servers = append(servers, t.Server)
	}
	if len(servers) == 0 {
		return netip.Addr{}, nil
	}
	conn, err := net.Dial("udp", servers[0].String())
	if err != nil {
		return netip.Addr{}, errno.Wrap("", err, servers[0].String())
	}
	defer conn.Close()
	return addr.Of(conn.LocalAddr()).Addr(), nil
}

// addrs are the host's addresses that a peer might reach: none of loopback, and none
// that hold on one link alone (RFC 8445 section 5.1.1.1).
func (c Config) addrs(base netip.Addr) ([]netip.Addr, error) {
	if c.hosts != nil {
		return c.hosts, nil
	}
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("the host's addresses: %w", err)
	}
	var all []netip.Addr
	for _, f := range found {
		p, err := netip.ParsePrefix(f.String())
		if err != nil {
			continue
		}
		if a := p.Addr().Unmap(); a.IsGlobalUnicast() || a == base {
			all = append(all, a)
		}
	}
	return all, nil
}
