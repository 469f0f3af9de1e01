package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v3"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/datagram"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// socket is a UDP socket whose messages go to an inbox.
type socket struct {
	udp   *net.UDPConn
	inbox *inbox
	done  chan struct{} // closed when nothing is read any more
}

// openSocket binds a socket.
func openSocket(local netip.AddrPort, in *inbox) (*socket, error) {
	c, err := net.ListenUDP(addr.Network("udp", local), net.UDPAddrFromAddrPort(local))
	if err != nil {
		return nil, errno.Wrap("", err, fmt.Sprintf("udp %v", local))
	}
	s := &socket{udp: c, inbox: in, done: make(chan struct{})}
	go s.receive()
	return s, nil
}

// receive reads until the socket is closed.
func (s *socket) receive() {
	defer close(s.done)
	local := s.address()
	b := make([]byte, datagram.MaxSize)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			// Who waits keeps the message, so it cannot stay in b.
			s.inbox.deliver(append([]byte(nil), b[:n]...), local, addr.Plain(from))
		}
	}
}

// address is what the socket is bound to.
func (s *socket) address() netip.AddrPort { return addr.Of(s.udp.LocalAddr()) }

// Close closes the socket and waits until nothing is read from it any more.
func (s *socket) Close() error {
	err := s.udp.Close()
	<-s.done
	return err
}

func (s *socket) send(m *stun.Message, to netip.AddrPort) error {
	if _, err := s.udp.WriteToUDPAddrPort(m.Raw, to); err != nil {
		return errno.Wrap("sendto", err, to.String())
	}
	return nil
}

// question is a Binding request.
type question struct {
	to   netip.AddrPort
	from netip.AddrPort // where the answer must come from
	set  []stun.Setter
}

// ask asks from this socket. Its error is errSilence, or says who did what.
func (s *socket) ask(ctx context.Context, p pace, q question) (reply, error) {
	m, err := newRequest(q.set...)
	if err != nil {
		return reply{}, err
	}
	messages, forget := s.inbox.expect(m.TransactionID)
	defer forget()
	var sent time.Time
	got, err := p.exchange(ctx, messages, func() error {
		sent = time.Now()
		return s.send(m, q.to)
	})
	if err != nil {
		return reply{}, err
	}
	r, err := got.read()
	if err == nil && got.from != q.from {
		err = fmt.Errorf("%v, asked to answer from %v, answered from %v", q.to, q.from, got.from)
	}
	r.sent = sent
	return r, err
}

// newRequest makes a Binding request with a transaction ID of its own.
func newRequest(set ...stun.Setter) (*stun.Message, error) {
	m, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, set...)...)
	if err != nil {
		return nil, fmt.Errorf("build Binding request: %w", err)
	}
	return m, nil
}
