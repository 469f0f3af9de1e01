package socks

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

// tunnel is the server's side of HTTP CONNECT. A connection has one request: after an
// answer other than 200 it ends.
type tunnel struct {
	conn  *net.TCPConn
	users Users
}

func (t *tunnel) read() (request, error) {
	head, err := wire.ReadHead(t.conn)
	if errors.Is(err, wire.ErrHeadTooLong) {
		t.write(wire.AppendTunnelError(nil, err))
	}
	if err != nil {
		return request{}, fmt.Errorf("http: %w", err)
	}
	q, err := wire.ParseTunnel(head)
	if err != nil {
		t.write(wire.AppendTunnelError(nil, err))
		return request{}, fmt.Errorf("http: %w", err)
	}
	ask := request{protocol: "http", command: wire.Connect, target: q.Target}
	if len(t.users) == 0 {
		return ask, nil
	}
	if !q.Authorized || !t.users.right(q.User, q.Password) {
		t.write(wire.AppendAuthenticationRequired(nil))
		if !q.Authorized {
			return request{}, errors.New("http: no user name and password")
		}
		return request{}, fmt.Errorf("http: wrong user name or password of %q", q.User)
	}
	ask.user = q.User
	return ask, nil
}

// reply has no place for bound: HTTP does not say where the proxy connects from.
func (t *tunnel) reply(_ netip.AddrPort, err error) error {
	return t.write(wire.AppendTunnelReply(nil, err))
}

func (t *tunnel) write(b []byte) error {
	_, err := t.conn.Write(b)
	return err
}
