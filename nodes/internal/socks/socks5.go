package socks

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

// socks5 is the server's side of RFC 1928.
type socks5 struct {
	conn  *net.TCPConn
	users Users
}

func (s *socks5) read() (request, error) {
	user, err := s.authenticate()
	if err != nil {
		return request{}, fmt.Errorf("socks5: %w", err)
	}
	q, err := wire.ReadRequest(s.conn)
	if err != nil {
		if reply, can := wire.ReplyToRequestError(err); can {
			s.write(wire.AppendReply(nil, reply, netip.AddrPort{}))
		}
		return request{}, fmt.Errorf("socks5: %w", err)
	}
	if q.Command != wire.Connect && q.Command != wire.Associate {
		s.write(wire.AppendReply(nil, wire.CommandNotSupported, netip.AddrPort{}))
		return request{}, fmt.Errorf("socks5: %v is not served", q.Command)
	}
	return request{protocol: "socks5", command: q.Command, target: q.Address, user: user}, nil
}

// authenticate agrees on a method (RFC 1928 section 3) and goes through it. It returns
// the user's name, if there are users.
func (s *socks5) authenticate() (string, error) {
	offered, err := wire.ReadGreeting(s.conn)
	if err != nil {
		return "", err
	}
	method := wire.NoAuthentication
	if len(s.users) > 0 {
		method = wire.UsernamePassword
	}
	if !slices.Contains(offered, method) {
		s.write(wire.AppendMethod(nil, wire.NoneAcceptable))
		if method == wire.UsernamePassword {
			return "", errors.New("offers no user name and password")
		}
		return "", errors.New("insists on authentication, and there is none here")
	}
	if err := s.write(wire.AppendMethod(nil, method)); err != nil || method == wire.NoAuthentication {
		return "", err
	}
	user, password, err := wire.ReadPassword(s.conn)
	if err != nil {
		return "", err
	}
	right := s.users.right(user, password)
	if err := s.write(wire.AppendPasswordStatus(nil, right)); err != nil {
		return "", err
	}
	if !right {
		return "", fmt.Errorf("wrong user name or password of %q", user)
	}
	return user, nil
}

func (s *socks5) reply(bound netip.AddrPort, err error) error {
	return s.write(wire.AppendReply(nil, wire.ReplyTo(err), bound))
}

func (s *socks5) write(b []byte) error {
	_, err := s.conn.Write(b)
	return err
}
