package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/errno"
	"github.com/crosslan/crosslan/nodes/internal/socks/wire"
)

// ErrPassword is a user name or password that the proxy does not take.
var ErrPassword = errors.New("the proxy refuses the user name or password")

// ErrWantsPassword is a proxy that serves nobody without a user name and password.
var ErrWantsPassword = errors.New("the proxy wants a user name and password")

// ReplyError is a SOCKS5 proxy's refusal.
type ReplyError struct{ Reply wire.Reply }

func (e *ReplyError) Error() string { return "reply " + e.Reply.String() }

// ask agrees with a SOCKS5 proxy on how to authenticate, and asks. It returns the
// address of the reply.
func (p *Proxy) ask(c *net.TCPConn, q wire.Request) (addr.Remote, error) {
	request, err := wire.AppendRequest(nil, q)
	if err != nil {
		return addr.Remote{}, err
	}
	if err := p.authenticate(c); err != nil {
		return addr.Remote{}, explain(err)
	}
	if _, err := c.Write(request); err != nil {
		return addr.Remote{}, explain(err)
	}
	reply, bound, err := wire.ReadReply(c)
	if err != nil {
		return addr.Remote{}, explain(err)
	}
	if reply != wire.Succeeded {
		return addr.Remote{}, &ReplyError{reply}
	}
	return bound, nil
}

// authenticate offers a password only if there is one: some servers choose it whenever
// it is offered.
func (p *Proxy) authenticate(c *net.TCPConn) error {
	offered := []wire.Method{wire.NoAuthentication}
	if p.User != "" {
		offered = append(offered, wire.UsernamePassword)
	}
	if _, err := c.Write(wire.AppendGreeting(nil, offered...)); err != nil {
		return err
	}
	switch m, err := wire.ReadMethod(c); {
	case err != nil:
		return err
	case m == wire.NoAuthentication:
		return nil
	case m == wire.UsernamePassword && p.User != "":
	case p.User != "":
		return ErrPassword
	default:
		return ErrWantsPassword
	}
	if _, err := c.Write(wire.AppendPassword(nil, p.User, p.Password)); err != nil {
		return err
	}
	right, err := wire.ReadPasswordStatus(c)
	if err == nil && !right {
		err = ErrPassword
	}
	return err
}

// openHTTP asks an HTTP proxy for a tunnel.
func (p *Proxy) openHTTP(c *net.TCPConn, target addr.Remote) error {
	request := wire.AppendTunnel(nil, wire.Tunnel{Target: target, User: p.User, Password: p.Password, Authorized: p.User != ""})
	if _, err := c.Write(request); err != nil {
		return explain(err)
	}
	head, err := wire.ReadHead(c)
	if err != nil {
		return explain(err)
	}
	reply, err := wire.ParseTunnelReply(head)
	switch {
	case err != nil:
		return err
	case reply.OK():
		return nil
	case reply.Status == 407 && p.User != "":
		return fmt.Errorf("%d: %w", reply.Status, ErrPassword)
	case reply.Status == 407:
		return fmt.Errorf("%d: %w", reply.Status, ErrWantsPassword)
	}
	return errors.New(reply.String())
}

// explain words an error of the connection to the proxy.
func explain(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the proxy hung up")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the proxy did not answer: %w", os.ErrDeadlineExceeded)
	case errors.As(err, &op):
		return errno.Wrap("", err, "")
	}
	return err
}
