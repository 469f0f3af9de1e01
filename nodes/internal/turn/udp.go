package turn

import (
	"context"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/addr"
	"github.com/crosslan/crosslan/nodes/internal/backoff"
	"github.com/crosslan/crosslan/nodes/internal/batch"
	"github.com/crosslan/crosslan/nodes/internal/errno"
)

// udpSide is the clients that come over UDP.
type udpSide struct {
	clients
	conn   *batch.Conn
	listen netip.AddrPort
	any    bool // every address of the node: each datagram says which
}

func listenUDP(ctx context.Context, s *Server, at netip.AddrPort) (*udpSide, error) {
	pc, err := new(net.ListenConfig).ListenPacket(ctx, addr.Network("udp", at), at.String())
	if err != nil {
		return nil, errno.Wrap("", err, "udp "+at.String())
	}
	conn, err := batch.New(pc.(*net.UDPConn))
	if err != nil {
		pc.Close()
		return nil, errno.Wrap("setsockopt", err, "udp "+at.String())
	}
	u := &udpSide{clients: newClients(s), conn: conn, listen: addr.Of(pc.LocalAddr()), any: at.Addr().IsUnspecified()}
	_ = u.conn.SetReadBuffer(socketBuffer) // as much as the kernel lets have
	if u.any {
		if err := u.askForLocal(); err != nil {
			pc.Close()
			return nil, errno.Wrap("setsockopt", err, "udp "+at.String())
		}
	}
	return u, nil
}

func (u *udpSide) protocol() string     { return "udp" }
func (u *udpSide) addr() netip.AddrPort { return u.listen }

// serve takes datagrams until ctx is done.
func (u *udpSide) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { u.conn.Close() })
	defer stop()
	delay := backoff.First
	for {
		b, err := u.conn.Receive()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			u.relay.journal.failed(err) // the kernel lacks memory
			delay = backoff.Pause(ctx, delay)
			continue
		}
		delay = backoff.First
		u.carry(b)
		b.Release()
	}
}

// carry carries the datagrams of a batch. ChannelData of one channel that follow each
// other leave together.
func (u *udpSide) carry(b *batch.Batch) {
	var out parcel
	for i := range b.Messages {
		m := &b.Messages[i]
		f := flow{addr.Plain(m.From.AddrPort()), served(u.listen, m.Local)}
		for rest := m.Payload; ; {
			n := min(m.Size, len(rest))
			u.handle(b, f, rest[:n], &out)
			if rest = rest[n:]; len(rest) == 0 {
				break
			}
		}
	}
	out.send(b)
}

// handle carries a datagram. What is neither ChannelData nor STUN has no answer.
func (u *udpSide) handle(b *batch.Batch, f flow, datagram []byte, out *parcel) {
	if isChannelData(datagram) {
		number, data, err := parseChannelData(datagram)
		if err != nil {
			return
		}
		if a := u.find(f); a != nil {
			out.add(b, a, number, data)
		}
		return
	}
	if checkHeader(datagram) == nil {
		u.message(u, f, datagram)
	}
}

func (u *udpSide) send(f flow, b []byte) error {
	if !u.any {
		_, err := u.conn.WriteToUDPAddrPort(b, f.client)
		return err
	}
	// From the address that the client knows, which the kernel alone would not
	// always choose.
	_, _, err := u.conn.WriteMsgUDPAddrPort(b, source(f.server.Addr()), f.client)
	return err
}

// sendAll sends messages that are in b to one client, and returns how many datagrams
// and bytes went.
func (u *udpSide) sendAll(b *batch.Batch, to batch.Destination, messages []batch.Message) (datagrams, bytes int) {
	return u.conn.Send(b, messages, to, func(error) {})
}

// destination is a client, as sendAll wants it.
func (u *udpSide) destination(f flow) batch.Destination {
	d := batch.Destination{To: batch.NameOf(f.client)}
	if u.any {
		d.Control = source(f.server.Addr())
	}
	return d
}

func (u *udpSide) close() { u.conn.Close() }

// askForLocal has the kernel say which address a datagram was sent to (ip(7), ipv6(7)).
func (u *udpSide) askForLocal() error {
	raw, err := u.conn.SyscallConn()
	if err != nil {
		return err
	}
	level, option := unix.IPPROTO_IP, unix.IP_PKTINFO
	if u.listen.Addr().Is6() {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	}
	var optErr error
	if err := raw.Control(func(fd uintptr) { optErr = unix.SetsockoptInt(int(fd), level, option, 1) }); err != nil {
		return err
	}
	return optErr
}

// source is the control message that sets a datagram's source address.
func source(a netip.Addr) []byte {
	if a.Is4() {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: a.As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: a.As16()})
}
