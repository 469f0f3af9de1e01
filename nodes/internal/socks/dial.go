package socks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// dial connects to the first address of the target that accepts and that the rules
// allow. The rules are asked about the address that is then connected to, never about
// a name, which may mean another the next moment.
func (s *Server) dial(ctx context.Context, target addr.Remote) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Connect)
	defer cancel()
	addresses, err := resolve(ctx, target)
	if err != nil {
		return nil, err
	}
	var first error
	for i, a := range addresses {
		c, err := s.dialOne(ctx, a, len(addresses)-i)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// dialOne connects to a, and leaves time for the addresses that are left, a included.
func (s *Server) dialOne(ctx context.Context, a netip.AddrPort, left int) (*net.TCPConn, error) {
	if err := s.config.Rules.Check(a); err != nil {
		return nil, err
	}
	dialer := net.Dialer{KeepAlive: noKeepAlive}
	if limit, ok := ctx.Deadline(); ok {
		dialer.Timeout = time.Until(limit) / time.Duration(left)
	}
	a = addr.Plain(a)
	c, err := dialer.DialContext(ctx, addr.Network("tcp", a), a.String())
	var no syscall.Errno
	var t net.Error
	switch {
	case err == nil:
		return c.(*net.TCPConn), nil
	case !errors.As(err, &no) && errors.As(err, &t) && t.Timeout():
		return nil, &limitError{limit: s.config.Connect, target: a}
	}
	return nil, errno.Wrap("connect", err, a.String())
}

// limitError is a target that has not accepted in time.
type limitError struct {
	limit  time.Duration // for all addresses of the target together
	target netip.AddrPort
}

func (e *limitError) Error() string {
	return fmt.Sprintf("connect: no answer within %v (--connect): %v", e.limit, e.target)
}

func (e *limitError) Unwrap() error { return os.ErrDeadlineExceeded }

// resolve returns the transport addresses of r. A name is looked up as this host does.
func resolve(ctx context.Context, r addr.Remote) ([]netip.AddrPort, error) {
	if ip, err := netip.ParseAddr(r.Host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(ip, r.Port)}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", r.Host)
	if err != nil {
		return nil, nameError(err, r.Host)
	}
	addresses := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		addresses[i] = netip.AddrPortFrom(ip, r.Port)
	}
	return addresses, nil
}

// nameError words the error of a lookup as the clients do: without the name server,
// which is this host's own business.
func nameError(err error, name string) error {
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		return fmt.Errorf("getaddrinfo: %w: %s", err, name)
	}
	return &lookupError{dns, name}
}

// lookupError is a name that could not be looked up.
type lookupError struct {
	dns  *net.DNSError
	name string
}

func (e *lookupError) Error() string { return "getaddrinfo: " + e.dns.Err + ": " + e.name }

func (e *lookupError) Unwrap() error { return e.dns }
